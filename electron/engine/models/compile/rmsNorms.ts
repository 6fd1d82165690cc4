import { type DecoderFrame, rmsNorm } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

/** The root-mean-square norms of one model: one epsilon, weights as they are or around 1 (Gemma, Qwen3.5: `1 + weight`). */
export class RmsNorms {
  readonly #frame: DecoderFrame
  readonly #weights: GraphWeights
  readonly #epsilon: number
  readonly #centred: boolean

  constructor(frame: DecoderFrame, weights: GraphWeights, norm: { epsilon: number; centred?: boolean }) {
    this.#frame = frame
    this.#weights = weights
    this.#epsilon = norm.epsilon
    this.#centred = norm.centred ?? false
  }

  /** Over the last axis of `x`, whose size is `width`. `name` without `.weight`. */
  over(name: string, x: Value, width: number): Value {
    const { graph } = this.#frame
    const weight = this.#weights.get(`${name}.weight`, [width])
    return rmsNorm(graph, x, this.#centred ? graph.op('Add', [weight, graph.float32(1)]) : weight, this.#epsilon)
  }

  /** Every head by itself: `[N, n·headDim]` -> `[N·n, headDim]`. */
  eachHead(name: string, x: Value, headDim: number): Value {
    return this.over(name, this.#frame.reshape(x, [-1, headDim]), headDim)
  }
}
