/** Causal attention over the cache, and where each new token stands in its row. */
import type { DecoderFrame } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'

const INT64 = 7

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
   * the cache. q `[B, T, heads·headDim]`, k and v `[B, T, kvHeads·headDim]`, already rotated -> `[B, T, heads·headDim]`.
   */
  attend(layer: number, qkv: readonly [q: Value, k: Value, v: Value], geometry: HeadGeometry): Value {
    const { graph } = this.#frame
    const { kvHeads, headDim } = geometry
    const past = ['key', 'value'].map(part =>
      graph.input(`past_key_values.${layer}.${part}`, 'float32', ['batch', kvHeads, 'capacity', headDim]),
    )
    const present = ['key', 'value'].map(part => `present.${layer}.${part}`)
    const output = graph.name('attention')
    graph.node('GroupQueryAttention', [...qkv, ...past, this.#seqlens, this.#total], [output, ...present], {
      num_heads: geometry.heads,
      kv_num_heads: kvHeads,
      scale: { float: geometry.scale },
      local_window_size: geometry.window ?? -1,
    })
    for (const name of present) graph.output(name, 'float32', ['batch', kvHeads, 'capacity', headDim])
    return output
  }
}
