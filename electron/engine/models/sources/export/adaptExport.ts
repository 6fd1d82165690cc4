/**
 * Gives an ONNX export the inputs and outputs of a compiled graph (see CompiledGraph), with a few nodes before and after
 * its own: the runtime then drives exports and checkpoints alike.
 */
import { GraphBuilder, type Value } from '../../compile/graphBuilder.ts'
import { ONNX_TYPE, type OnnxType } from '../../compile/onnxProto.ts'
import type { CompiledGraph, KvLayer } from '../../model.ts'
import type { ExportedGraph, ExportedValue } from './exportedGraph.ts'
import { isState, type StateSlot, type StateTensor, unsupported } from './stateSlots.ts'

const END = Number.MAX_SAFE_INTEGER
/** What the file itself calls a tensor gets this in front where the adapter needs the name. */
const OWN = 'export.'
/** Slice with inputs, Range, Expand. */
const LEAST_OPSET = 11

export interface AdaptedExport extends Pick<CompiledGraph, 'bytes' | 'inputs' | 'outputs'> {
  readonly vocabSize: number
}

/** `files` maps the weight files' names in the file to their real ones. Throws `E_NOT_SUPPORTED` naming what is in the way. */
export function adaptExport(
  graph: ExportedGraph,
  slots: readonly StateSlot[],
  { files, vocabSize }: { files: ReadonlyMap<string, string>; vocabSize: number | null },
): AdaptedExport {
  if (graph.opset < LEAST_OPSET) throw unsupported(`its operator set is ${graph.opset}, ${LEAST_OPSET} is the least`)
  const adapter = new Adapter(graph, slots)
  const size = adapter.logits(vocabSize)
  return {
    bytes: graph.surround({
      before: adapter.before.encodeGraph('adapter', 'inputs'),
      after: adapter.after.encodeGraph('adapter', 'outputs'),
      rename: adapter.rename,
      files,
    }),
    inputs: adapter.before.inputs,
    outputs: adapter.after.outputs,
    vocabSize: size,
  }
}

class Adapter {
  readonly before = new GraphBuilder('before.')
  readonly after = new GraphBuilder('after.')
  readonly rename = new Map<string, string>()
  readonly #graph: ExportedGraph
  readonly #inputIds: Value
  readonly #numLogits: Value
  /** int64 [1]: rows, new tokens, tokens before this run, tokens after it. */
  readonly #batch: Value
  readonly #tokens: Value
  readonly #past: Value
  /** A recurrent state alone does not say how many tokens it has read. */
  readonly #countsPast: boolean
  readonly #total: Value
  /** Inputs that GroupQueryAttention reads: it takes a buffer with room and appends to it in place. */
  readonly #inPlace: ReadonlySet<string>
  readonly #placesOf = new Map<number, Value>()

  constructor(graph: ExportedGraph, slots: readonly StateSlot[]) {
    const { before } = this
    this.#graph = graph
    this.#inputIds = before.input('input_ids', 'int64', ['batch', 'tokens'])
    this.#numLogits = before.op('Reshape', [before.input('num_logits', 'int64', []), before.int64([1])])
    const shape = before.op('Shape', [this.#inputIds])
    this.#batch = before.op('Gather', [shape, before.int64([0])])
    this.#tokens = before.op('Gather', [shape, before.int64([1])])
    this.#total = this.#tokens
    this.#countsPast = slots.some(({ shape }) => shape.kind === 'kv')
    if (this.#countsPast) {
      before.input('seqlens_k', 'int32', ['batch'])
      const total = before.op('Cast', [before.input('total_sequence_length', 'int32', [])], { to: ONNX_TYPE.int64 })
      this.#total = before.op('Reshape', [total, before.int64([1])])
    }
    this.#past = before.op('Sub', [this.#total, this.#tokens])
    const readers = graph.nodes.filter(({ type }) => type === 'GroupQueryAttention').flatMap(({ inputs }) => inputs)
    this.#inPlace = new Set(readers)
    for (const slot of slots) this.#state(slot)
    for (const input of graph.inputs) if (!isState(input.name)) this.#plainInput(input)
  }

  /** Declares `logits`; returns the vocabulary's size. */
  logits(configured: number | null): number {
    const { after } = this
    const output = this.#graph.outputs.find(({ name }) => name === 'logits')
    if (output === undefined) throw unsupported('it has no output logits')
    const vocabSize = output.dims[2] ?? configured
    if (output.dims.length !== 3 || vocabSize === null)
      throw unsupported('its logits must be [batch, tokens, vocabulary]')
    const own = this.#own(output)
    const rows = after.op('Gather', [after.op('Shape', [own]), after.int64([1])])
    const start = after.op('Sub', [rows, this.#numLogits])
    const kept = after.op('Slice', [own, start, after.int64([END]), after.int64([1])])
    after.op('Cast', [kept], { to: ONNX_TYPE.float32 }, 'logits')
    after.output('logits', 'float32', ['batch', 'num_logits', vocabSize])
    return vocabSize
  }

  /** An input besides the state. */
  #plainInput(input: ExportedValue): void {
    if (input.name === 'input_ids') this.#feed(input, this.#inputIds, 'int64')
    else this.#feed(input, this.#made(input), null)
  }

  /** What the file wants, made from ours; int64, or bool. */
  #made(input: ExportedValue): Value {
    const { before } = this
    const shaped = (...dims: Value[]) => before.op('Concat', dims, { axis: 0 })
    const scalar = (value: Value) => before.op('Squeeze', [value])
    const range = () => before.op('Range', [scalar(this.#past), scalar(this.#total), before.int64(1)])
    switch (input.name) {
      case 'attention_mask':
        // Nothing is padded: one for every token before and in this run.
        return before.op('Expand', [before.int64(1), shaped(this.#batch, this.#total)])
      case 'position_ids': {
        const row = before.op('Reshape', [range(), before.int64([1, -1])])
        return before.op('Expand', [row, shaped(this.#batch, this.#tokens)])
      }
      case 'cache_position':
        return range()
      case 'use_cache_branch':
        // Merged files have a graph for an empty past and one for the rest; without keys nothing tells the two apart.
        return this.#countsPast ? before.op('Greater', [this.#past, before.int64([0])]) : before.int64([1])
      case 'num_logits_to_keep':
      case 'logits_to_keep': {
        // Zero would mean all of them; the Slice after the graph takes the one away again.
        const least = before.op('Max', [this.#numLogits, before.int64(1)])
        return input.dims.length === 0 ? scalar(least) : least
      }
      default:
        throw unsupported(`it has an input ${input.name} that is not understood`)
    }
  }

  #state(slot: StateSlot): void {
    const { layer } = slot
    if ('key' in slot) {
      this.#keysOrValues(`${layer}.key`, slot.key, slot.shape)
      this.#keysOrValues(`${layer}.value`, slot.value, slot.shape)
      return
    }
    this.#recurrent(`conv.${layer}`, slot.conv, ['batch', ...slot.shape.conv])
    this.#recurrent(`ssm.${layer}`, slot.ssm, ['batch', ...slot.shape.ssm])
  }

  /**
   * The file reads the used part of our buffer (one copy) and writes a longer one (its own copy); of that the new rows are
   * put into our buffer where it lies: ScatterND copies nothing else when its output is given its input's memory.
   */
  #keysOrValues(name: string, tensor: StateTensor, { kvHeads, headDim }: KvLayer): void {
    const { before, after } = this
    const dims = ['batch', kvHeads, 'capacity', headDim]
    const buffer = before.input(`past_key_values.${name}`, 'float32', dims)
    const present = `present.${name}`
    after.output(present, 'float32', dims)
    if (this.#inPlace.has(tensor.past.name)) {
      this.#feed(tensor.past, buffer, 'float32')
      this.#give(tensor.present, present)
      return
    }
    this.#feed(tensor.past, before.op('Slice', [buffer, before.int64([0]), this.#past, before.int64([2])]), 'float32')
    const rows = after.op('Slice', [this.#own(tensor.present), this.#past, after.int64([END]), after.int64([2])])
    const added = after.op('Cast', [rows], { to: ONNX_TYPE.float32 })
    after.op('ScatterND', [buffer, this.#places(kvHeads), added], {}, present)
  }

  /** Where the new rows belong in a buffer `[batch, heads, capacity, head size]`: int64 [batch, heads, tokens, 3]. */
  #places(kvHeads: number): Value {
    const known = this.#placesOf.get(kvHeads)
    if (known !== undefined) return known
    const { before } = this
    const shape = before.op('Concat', [this.#batch, before.int64([kvHeads]), this.#tokens, before.int64([1])], {
      axis: 0,
    })
    const scalar = (value: Value) => before.op('Squeeze', [value])
    const along = (axis: number, from: Value, to: Value) => {
      const range = before.op('Range', [from, to, before.int64(1)])
      const dims = [1, 1, 1, 1].map((one, at) => (at === axis ? -1 : one))
      return before.op('Expand', [before.op('Reshape', [range, before.int64(dims)]), shape])
    }
    const indices = [
      along(0, before.int64(0), scalar(this.#batch)),
      along(1, before.int64(0), before.int64(kvHeads)),
      along(2, scalar(this.#past), scalar(this.#total)),
    ]
    const places = before.op('Concat', indices, { axis: 3 })
    this.#placesOf.set(kvHeads, places)
    return places
  }

  #recurrent(name: string, tensor: StateTensor | null, dims: (string | number)[]): void {
    const past = this.before.input(`past_${name}`, 'float32', dims)
    const present = `present_${name}`
    this.after.output(present, 'float32', dims)
    if (tensor === null) {
      this.after.op('Identity', [past], {}, present)
      return
    }
    this.#feed(tensor.past, past, 'float32')
    this.#give(tensor.present, present)
  }

  /** Makes `value` the file's input: by name where the types agree (nothing is copied then), else through a Cast. */
  #feed(input: ExportedValue, value: Value, type: OnnxType | null): void {
    if (input.type === null) throw unsupported(`its input ${input.name} has an unknown type`)
    if (input.type === type) {
      this.rename.set(input.name, value)
      return
    }
    this.before.op('Cast', [value], { to: ONNX_TYPE[input.type] }, this.#own(input))
  }

  /** Makes the file's output ours, as float32. */
  #give(output: ExportedValue, name: Value): void {
    if (output.type === 'float32') this.rename.set(output.name, name)
    else this.after.op('Cast', [this.#own(output)], { to: ONNX_TYPE.float32 }, name)
  }

  /** The file's tensor under a name of its own. */
  #own({ name }: ExportedValue): Value {
    this.rename.set(name, OWN + name)
    return OWN + name
  }
}
