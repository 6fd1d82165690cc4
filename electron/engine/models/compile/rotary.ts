/** Rotary position embedding (Su et al. 2021). */
import type { DecoderFrame } from './decoderFrame.ts'
import type { Attributes, Value } from './graphBuilder.ts'
import type { KeyValueAttention } from './keyValueAttention.ts'

export interface RotaryFrequencies {
  /** Radians per position for each pair that is rotated; fewer than headDim/2 where the rest of a head stays as it is. */
  readonly frequencies: Float32Array
  /** Factor on both cosine and sine (yarn's attention factor). */
  readonly magnitude: number
}

/** Positions are split as `BLOCK · high + low`, so two short tables serve any context length. */
const BLOCK = 256

/** One set of frequencies at the positions of a run. */
export class RotaryEmbedding {
  readonly #frame: DecoderFrame
  readonly #cos: Value
  readonly #sin: Value
  readonly #rows: Value
  readonly #pairs: number

  /** `positions` int64 [B, T], all below `contextLength`; `name` tells one model's several embeddings apart. */
  constructor(
    frame: DecoderFrame,
    rotary: RotaryFrequencies,
    at: { positions: Value; contextLength: number; name: string },
  ) {
    const { graph } = frame
    const pairs = rotary.frequencies.length
    this.#frame = frame
    this.#pairs = pairs
    const flat = graph.op('Reshape', [at.positions, graph.int64([-1])])
    const high = graph.op('Div', [flat, graph.int64(BLOCK)])
    const low = graph.op('Sub', [flat, graph.op('Mul', [high, graph.int64(BLOCK)])])
    const blocks = Math.ceil(at.contextLength / BLOCK)
    const gather = (kind: string, [rows, step, magnitude]: readonly [number, number, number], index: Value): Value => {
      const wave = kind.startsWith('cos') ? Math.cos : Math.sin
      const data = new Float32Array(rows * pairs)
      for (let row = 0; row < rows; row++) {
        for (const [pair, frequency] of rotary.frequencies.entries()) {
          data[row * pairs + pair] = magnitude * wave(row * step * frequency)
        }
      }
      return graph.op('Gather', [graph.table(`${at.name}.${kind}`, [rows, pairs], data), index])
    }
    const cosHigh = gather('cos_high', [blocks, BLOCK, rotary.magnitude], high)
    const sinHigh = gather('sin_high', [blocks, BLOCK, rotary.magnitude], high)
    const cosLow = gather('cos_low', [BLOCK, 1, 1], low)
    const sinLow = gather('sin_low', [BLOCK, 1, 1], low)
    const times = (a: Value, b: Value) => graph.op('Mul', [a, b])
    // cos(h + l) = cos h cos l - sin h sin l; sin(h + l) = sin h cos l + cos h sin l: [N, pairs]
    this.#cos = graph.op('Sub', [times(cosHigh, cosLow), times(sinHigh, sinLow)])
    this.#sin = graph.op('Add', [times(sinHigh, cosLow), times(cosHigh, sinLow)])
    // The tables hold one row per token of this run, so token (b, t) reads row b·T + t.
    const count = graph.op('Squeeze', [graph.op('Mul', [frame.batch, frame.tokens])])
    const range = graph.op('Range', [graph.int64(0), count, graph.int64(1)])
    this.#rows = graph.op('Reshape', [range, graph.op('Concat', [frame.batch, frame.tokens], { axis: 0 })])
  }

  /** Rotates the first 2·pairs numbers of every head: `[B, T, heads·headDim]` -> the same; pair i is (x_i, x_{i + pairs}). */
  rotate(x: Value, { heads, headDim }: { heads: number; headDim: number }): Value {
    const rotated = 2 * this.#pairs
    const part: Attributes = rotated === headDim ? {} : { num_heads: heads, rotary_embedding_dim: rotated }
    return this.#frame.graph.op('RotaryEmbedding', [x, this.#rows, this.#cos, this.#sin], part)
  }
}

/** The rotary embeddings of one model, each made at its first use and shared by the layers that have it. */
export class RotaryEmbeddings {
  readonly #attention: KeyValueAttention
  readonly #contextLength: number
  readonly #made = new Map<RotaryFrequencies, RotaryEmbedding>()

  constructor(attention: KeyValueAttention, contextLength: number) {
    this.#attention = attention
    this.#contextLength = contextLength
  }

  /** null for a layer without positions. */
  of(frequencies: RotaryFrequencies | null): RotaryEmbedding | null {
    if (frequencies === null) return null
    const known = this.#made.get(frequencies)
    if (known !== undefined) return known
    const { frame, positions } = this.#attention
    const at = { positions, contextLength: this.#contextLength, name: `rotary${this.#made.size}` }
    const made = new RotaryEmbedding(frame, frequencies, at)
    this.#made.set(frequencies, made)
    return made
  }
}
