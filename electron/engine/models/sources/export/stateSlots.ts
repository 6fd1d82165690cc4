/** Which inputs and outputs of an export are its state, and what shape that state has. */
import { StatePackError } from '#shared/domain/error.ts'
import type { KvLayer, SsmLayer } from '../../model.ts'
import type { ExportedGraph, ExportedValue } from './exportedGraph.ts'

/** One tensor of the state in the file: what it reads and what it writes. */
export interface StateTensor {
  readonly past: ExportedValue
  readonly present: ExportedValue
}

/** One entry of the geometry. A layer with attention and a recurrence side by side has two. */
export type StateSlot = { readonly layer: number } & (
  | { readonly shape: KvLayer; readonly key: StateTensor; readonly value: StateTensor }
  | { readonly shape: SsmLayer; readonly conv: StateTensor | null; readonly ssm: StateTensor | null }
)

/** Sizes that a file may leave open and config.json then gives. */
export interface ConfiguredHeads {
  readonly kvHeads: number | null
  readonly headDim: number | null
}

const PAST = [
  { pattern: /^past_key_values\.(\d+)\.key$/, present: (n: string) => `present.${n}.key`, part: 'key' },
  { pattern: /^past_key_values\.(\d+)\.value$/, present: (n: string) => `present.${n}.value`, part: 'value' },
  { pattern: /^past_conv\.(\d+)$/, present: (n: string) => `present_conv.${n}`, part: 'conv' },
  { pattern: /^past_ssm\.(\d+)$/, present: (n: string) => `present_ssm.${n}`, part: 'ssm' },
  { pattern: /^past_recurrent\.(\d+)$/, present: (n: string) => `present_recurrent.${n}`, part: 'ssm' },
  // As onnxruntime-genai's model builder writes hybrids.
  {
    pattern: /^past_key_values\.(\d+)\.conv_state$/,
    present: (n: string) => `present.${n}.conv_state`,
    part: 'conv',
  },
  {
    pattern: /^past_key_values\.(\d+)\.recurrent_state$/,
    present: (n: string) => `present.${n}.recurrent_state`,
    part: 'ssm',
  },
] as const

/** True for the inputs this file reads as state. */
export function isState(name: string): boolean {
  return PAST.some(({ pattern }) => pattern.test(name))
}

/** The state of an export in layer order. Throws `E_NOT_SUPPORTED` when an input has no output or a size is open. */
export function stateSlots(graph: ExportedGraph, heads: ConfiguredHeads): StateSlot[] {
  const outputs = new Map(graph.outputs.map(output => [output.name, output]))
  const layers = new Map<number, Partial<Record<(typeof PAST)[number]['part'], StateTensor>>>()
  for (const past of graph.inputs) {
    for (const { pattern, present, part } of PAST) {
      const number = pattern.exec(past.name)?.[1]
      if (number === undefined) continue
      const output = outputs.get(present(number))
      if (output === undefined) throw unsupported(`its input ${past.name} has no output ${present(number)}`)
      layers.set(Number(number), { ...layers.get(Number(number)), [part]: { past, present: output } })
    }
  }
  const slots: StateSlot[] = []
  for (const [layer, { key, value, conv = null, ssm = null }] of [...layers].sort(([a], [b]) => a - b)) {
    if ((key === undefined) !== (value === undefined)) throw unsupported(`layer ${layer} has keys without values`)
    if (key !== undefined && value !== undefined) slots.push({ layer, shape: kvShape(key.past, heads), key, value })
    if (conv !== null || ssm !== null) slots.push({ layer, shape: ssmShape(conv?.past, ssm?.past), conv, ssm })
  }
  if (slots.length === 0) throw unsupported('it has no past_key_values, past_conv, past_ssm or past_recurrent inputs')
  return slots
}

function kvShape(past: ExportedValue, heads: ConfiguredHeads): KvLayer {
  const kvHeads = past.dims[1] ?? heads.kvHeads
  const headDim = past.dims[3] ?? heads.headDim
  if (past.dims.length !== 4 || kvHeads === null || headDim === null) {
    throw unsupported(`${past.name} must be [batch, heads, tokens, head size] with known heads`)
  }
  return { kind: 'kv', kvHeads, headDim }
}

/** A missing half is a single number that passes through. */
function ssmShape(conv: ExportedValue | undefined, ssm: ExportedValue | undefined): SsmLayer {
  const [channels = 1, columns = 1] = conv === undefined ? [] : fixedDims(conv)
  return { kind: 'ssm', conv: [channels, columns], ssm: ssm === undefined ? [1] : fixedDims(ssm) }
}

function fixedDims(value: ExportedValue): number[] {
  const dims = value.dims.slice(1)
  const known = dims.filter(dim => dim !== null)
  if (known.length !== dims.length) throw unsupported(`${value.name} leaves a size open`)
  return known
}

export function unsupported(what: string): StatePackError {
  return new StatePackError('E_NOT_SUPPORTED', `This ONNX export cannot be used: ${what}.`)
}
