/** Causal attention over the cache, and where each new token stands in its row. */
import type { DecoderFrame } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'

const INT32 = 6
const INT64 = 7

/** GroupQueryAttention takes heads of a multiple of this size. */
const KERNEL_MULTIPLE = 8

export interface HeadGeometry {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  /** Tokens a position sees, itself included; null: all. */
  readonly window: number | null
  /** What scores are multiplied with; usually 1/√headDim. */
  readonly scale: number
}

export class KeyValueAttention {
  readonly frame: DecoderFrame
  readonly #seqlens: Value
  readonly #total: Value
  /** int64 [1]: rows added to a run, 0 or 1; null on a device, which computes otherwise in any case. */
  readonly #added: Value | null
  /** int64 [B, T]: the position of each new token in its row. */
  readonly positions: Value

  /**
   * On the processor a run of an odd number of tokens gets one more row here, and only here: attention over a single query takes
   * another kernel than over several and differs in the last bits, and queries are taken in blocks of an even size. The row that
   * is too much is cut off, and its keys and values are overwritten by the next run. Everything else computes a row as it does
   * several (products of 4-bit codes see to that themselves), so it is read from no more tokens than there are.
   */
  constructor(frame: DecoderFrame) {
    const { graph } = frame
    this.frame = frame
    const seqlens = graph.input('seqlens_k', 'int32', ['batch'])
    const total = graph.input('total_sequence_length', 'int32', [])
    this.#added = graph.evenRows ? oddRow(frame) : null
    const longer = (value: Value, added: Value) => graph.op('Add', [value, graph.op('Cast', [added], { to: INT32 })])
    this.#seqlens = this.#added === null ? seqlens : longer(seqlens, this.#added)
    this.#total = this.#added === null ? total : longer(total, graph.op('Squeeze', [this.#added]))
    // seqlens_k is the row's last position; a row shorter than T (a ragged first batch) starts at 0.
    const last = graph.op('Cast', [seqlens], { to: INT64 })
    const first = graph.op('Max', [
      graph.op('Sub', [graph.op('Add', [last, graph.int64(1)]), frame.tokens]),
      graph.int64(0),
    ])
    const steps = graph.op('Range', [graph.int64(0), graph.op('Squeeze', [frame.tokens]), graph.int64(1)])
    this.positions = graph.op('Add', [graph.op('Unsqueeze', [first, graph.int64([1])]), steps])
  }

  /**
   * `softmax(scale · q kᵀ + causal mask) v` over the row's past and new tokens; appends the new keys and values to
   * the cache. q `[B, T, heads·headDim]`, k and v `[B, T, kvHeads·headDim]`, already rotated, or all three side by side in
   * q and the others `''` -> `[B, T, heads·headDim]`.
   */
  attend(layer: number, qkv: readonly [q: Value, k: Value, v: Value], geometry: HeadGeometry): Value {
    const { graph } = this.frame
    const { heads, kvHeads, headDim } = geometry
    const added = this.#added
    const rows = added === null ? qkv : qkv.map(value => this.#addRow(value, added))
    const dims = ['batch', kvHeads, 'capacity', headDim]
    const names = ['key', 'value'].map(part => `${layer}.${part}`)
    const past = names.map(name => graph.input(`past_key_values.${name}`, 'float32', dims))
    const present = names.map(name => `present.${name}`)
    for (const name of present) graph.output(name, 'float32', dims)
    const attributes = {
      num_heads: heads,
      kv_num_heads: kvHeads,
      scale: { float: geometry.scale },
      local_window_size: geometry.window ?? -1,
    }
    const output = graph.name('attention')
    const lengths = [this.#seqlens, this.#total]
    const cutRow = (value: Value): Value =>
      added === null ? value : graph.op('Slice', [value, graph.int64([0]), this.frame.tokens, graph.int64([1])])
    const padding = (KERNEL_MULTIPLE - (headDim % KERNEL_MULTIPLE)) % KERNEL_MULTIPLE
    if (padding === 0) {
      graph.node('GroupQueryAttention', [...rows, ...past, ...lengths], [output, ...present], attributes)
      return cutRow(output)
    }
    // Zeros at the end of every head change no score and come out as zeros; they are cut off again.
    const widened = [
      ...rows.map(value => (value === '' ? '' : this.#widenHeads(value, headDim, padding))),
      ...past.map(value => graph.op('Pad', [value, graph.int64([0, 0, 0, 0, 0, 0, 0, padding])])),
    ]
    const wide = present.map(() => graph.name('wide'))
    graph.node('GroupQueryAttention', [...widened, ...lengths], [output, ...wide], attributes)
    const cut = (value: Value, as?: string) =>
      graph.op('Slice', [value, graph.int64([0]), graph.int64([headDim]), graph.int64([-1])], {}, as)
    for (const [index, name] of present.entries()) cut(wide[index] ?? '', name)
    const perHead = this.frame.unflattenTo(cutRow(output), [heads, headDim + padding])
    return this.frame.unflattenTo(cut(perHead), [heads * headDim])
  }

  /** `[B, T, n·headDim] -> [B, T, n·(headDim + padding)]`. */
  #widenHeads(x: Value, headDim: number, padding: number): Value {
    const { graph } = this.frame
    const perHead = this.frame.reshape(x, [0, 0, -1, headDim]) // [B, T, n, headDim]
    const padded = graph.op('Pad', [perHead, graph.int64([0, 0, 0, 0, 0, 0, 0, padding])])
    return this.frame.reshape(padded, [0, 0, -1])
  }

  /** `[B, T, width] -> [B, T + added, width]`, the new row all zeros. */
  #addRow(x: Value, added: Value): Value {
    const { graph } = this.frame
    if (x === '') return x
    const pads = graph.op('Concat', [graph.int64([0, 0, 0, 0]), added, graph.int64([0])], { axis: 0 })
    return graph.op('Pad', [x, pads])
  }
}

/** int64 [1]: 1 for a single row with an odd number of tokens, else 0 (several rows take one token each). */
function oddRow({ graph, batch, tokens }: DecoderFrame): Value {
  const single = graph.op('Cast', [graph.op('Equal', [batch, graph.int64([1])])], { to: INT64 })
  return graph.op('Mul', [graph.op('Mod', [tokens, graph.int64([2])]), single])
}
