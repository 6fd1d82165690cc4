/** Causal attention over the cache, and where each new token stands in its row. */
import type { DecoderFrame } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'

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
  readonly #frame: DecoderFrame
  readonly #seqlens: Value
  readonly #total: Value
  /** int64 [B, T]: the position of each new token in its row. */
  readonly positions: Value

  constructor(frame: DecoderFrame) {
    const { graph } = frame
    this.#frame = frame
    this.#seqlens = graph.input('seqlens_k', 'int32', ['batch'])
    this.#total = graph.input('total_sequence_length', 'int32', [])
    // seqlens_k is the row's last position; a row shorter than T (a ragged first batch) starts at 0.
    const last = graph.op('Cast', [this.#seqlens], { to: INT64 })
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
    const { graph } = this.#frame
    const { heads, kvHeads, headDim } = geometry
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
    const rows = [this.#seqlens, this.#total]
    const padding = (KERNEL_MULTIPLE - (headDim % KERNEL_MULTIPLE)) % KERNEL_MULTIPLE
    if (padding === 0) {
      graph.node('GroupQueryAttention', [...qkv, ...past, ...rows], [output, ...present], attributes)
      return output
    }
    // Zeros at the end of every head change no score and come out as zeros; they are cut off again.
    const widened = [
      ...qkv.map(value => (value === '' ? '' : this.#widenHeads(value, headDim, padding))),
      ...past.map(value => graph.op('Pad', [value, graph.int64([0, 0, 0, 0, 0, 0, 0, padding])])),
    ]
    const wide = present.map(() => graph.name('wide'))
    graph.node('GroupQueryAttention', [...widened, ...rows], [output, ...wide], attributes)
    const cut = (value: Value, as?: string) =>
      graph.op('Slice', [value, graph.int64([0]), graph.int64([headDim]), graph.int64([-1])], {}, as)
    for (const [index, name] of present.entries()) cut(wide[index] ?? '', name)
    const perHead = this.#frame.unflattenTo(output, [heads, headDim + padding])
    return this.#frame.unflattenTo(cut(perHead), [heads * headDim])
  }

  /** `[B, T, n·headDim] -> [B, T, n·(headDim + padding)]`. */
  #widenHeads(x: Value, headDim: number, padding: number): Value {
    const { graph } = this.#frame
    const perHead = this.#frame.splitHeads(x, headDim) // [B, T, n, headDim]
    const padded = graph.op('Pad', [perHead, graph.int64([0, 0, 0, 0, 0, 0, 0, padding])])
    return this.#frame.unflatten(padded)
  }
}
