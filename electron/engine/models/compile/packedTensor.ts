/**
 * Weights that a GGUF file has quantised, as graph values: weight = scale · (code - half) + offset for each group of
 * neighbours in a row. Nothing is rounded: 4-bit codes are multiplied as they are with float32 activations; matrices of 8-bit
 * ones are float32 in the file beside the model.
 */
import type { CheckpointTensor, PackedParts } from '../sources/checkpoint.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'

/** Suffixes of the tensors that take a weight's place in the file beside the model. */
export const CODES4 = '.codes4'
export const CODES8 = '.codes8'
export const PACKED_SCALES = '.group_scales'
export const PACKED_OFFSETS = '.group_offsets'

/** `TensorProto.FLOAT` and `INT64`, targets of a Cast. */
const FLOAT = 1
const INT64 = 7
/** MatMulNBits' `accuracy_level`: activations as they are, or in 8 bits, which is faster. */
export const ACCURACY = { float32: 1, int8: 4 } as const
const CENTRE8 = 128

export interface PackedContext {
  readonly graph: GraphBuilder
  readonly external: (tensor: CheckpointTensor) => Value
}

export interface PackedMatrix {
  readonly codes: CheckpointTensor
  readonly parts: Pick<PackedParts, 'group' | 'scales' | 'offsets'>
  readonly outputs: number
  readonly inputs: number
  readonly activations: keyof typeof ACCURACY
}

/** `x [N, inputs] · weightᵀ -> [N, outputs]` of a weight with 4-bit codes. */
export function multiplyPacked(
  { graph, external }: PackedContext,
  x: Value,
  { codes, parts, outputs, inputs, activations }: PackedMatrix,
): Value {
  const accuracy = ACCURACY[activations]
  const attributes = { K: inputs, N: outputs, bits: 4, block_size: parts.group, accuracy_level: accuracy }
  const multiply = (rows: Value) => graph.op('MatMulNBits', [rows, external(codes), external(parts.scales)], attributes)
  const product = activations === 'float32' && graph.evenRows ? besideAnother(graph, x, multiply) : multiply(x)
  if (parts.offsets === null) return product
  // Each group adds its offset times the sum of the inputs it covers.
  const groups = graph.op('Reshape', [x, graph.int64([-1, inputs / parts.group, parts.group])])
  const sums = graph.op('ReduceSum', [groups, graph.int64([2])], { keepdims: 0 }) // [N, groups]
  return graph.op('Gemm', [sums, external(parts.offsets), product], { transB: 1 })
}

/** A single row is multiplied by another kernel than several, which differs in the last bits: it gets a row of zeros beside it. */
function besideAnother(graph: GraphBuilder, x: Value, multiply: (rows: Value) => Value): Value {
  const rows = graph.op('Shape', [x], { start: 0, end: 1 })
  const added = graph.op('Cast', [graph.op('Equal', [rows, graph.int64([1])])], { to: INT64 })
  const pads = graph.op('Concat', [graph.int64([0, 0]), added, graph.int64([0])], { axis: 0 })
  const product = multiply(graph.op('Pad', [x, pads]))
  return graph.op('Slice', [product, graph.int64([0]), rows, graph.int64([0])])
}

/** Rows of a table `[rows, width]`: only the gathered ones are widened. `indices` any shape -> indices.shape + [width]. */
export function gatherPacked(
  context: PackedContext,
  indices: Value,
  { codes, parts, width }: { codes: CheckpointTensor; parts: PackedParts; width: number },
): Value {
  const { graph, external } = context
  const pick = (tensor: CheckpointTensor) => graph.op('Gather', [external(tensor), indices])
  const rows = widenCodes(graph, {
    codes: pick(codes),
    scales: pick(parts.scales),
    offsets: parts.offsets === null ? null : pick(parts.offsets),
  }) // indices.shape + [groups, group]
  const shape = graph.op('Concat', [graph.op('Shape', [indices]), graph.int64([width])], { axis: 0 })
  return graph.op('Reshape', [rows, shape])
}

/** The whole tensor as float32 `shape`; folded into a constant when the model is loaded. */
export function widenPacked(
  { graph, external }: PackedContext,
  { codes, parts, shape }: { codes: CheckpointTensor; parts: PackedParts; shape: readonly number[] },
): Value {
  const offsets = parts.offsets === null ? null : external(parts.offsets)
  const wide = widenCodes(graph, { codes: external(codes), scales: external(parts.scales), offsets })
  return graph.op('Reshape', [wide, graph.int64([...shape])])
}

/** codes uint8 `[…, groups, group]`, scales and offsets float32 `[…, groups]` -> float32 like the codes. */
function widenCodes(
  graph: GraphBuilder,
  { codes, scales, offsets }: { codes: Value; scales: Value; offsets: Value | null },
): Value {
  const whole = graph.op('Cast', [codes], { to: FLOAT })
  const centred = graph.op('Sub', [whole, graph.float32(CENTRE8)])
  const each = (value: Value) => graph.op('Unsqueeze', [value, graph.int64([-1])])
  const scaled = graph.op('Mul', [centred, each(scales)])
  return offsets === null ? scaled : graph.op('Add', [scaled, each(offsets)])
}
