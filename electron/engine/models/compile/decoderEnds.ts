/** The two ends that Llama and the hybrids share: token ids in, logits out, under the names transformers gives them. */
import { type DecoderFrame, vocabularyHead } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import type { RmsNorms } from './rmsNorms.ts'

const TABLE = 'model.embed_tokens.weight'
const HEAD = 'lm_head.weight'

/** Sizes that every configuration comes down to. */
export interface DecoderShape {
  readonly vocabSize: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  /** Width of the MLP. */
  readonly inner: number
  readonly epsilon: number
  /** The head is the embedding table. */
  readonly tied: boolean
}

/** Hidden states of the tokens, `[N, width]`. */
export function embedTokens(frame: DecoderFrame, weights: GraphWeights, c: DecoderShape, multiplier = 1): Value {
  const embedded = weights.gather(TABLE, [c.vocabSize, c.width], frame.inputIds) // [B, T, width]
  return frame.flatten(frame.graph.scale(embedded, multiplier), c.width)
}

export interface LastStep {
  /** `[N, width]`, after the layers. */
  readonly x: Value
  readonly norms: RmsNorms
  /** Name of the last norm. */
  readonly norm: string
  /** What logits are multiplied with; default 1. */
  readonly multiplier?: number
  readonly softcap?: number | null
}

/** The last norm of the positions asked for, and the logits. */
export function toLogits(frame: DecoderFrame, weights: GraphWeights, c: DecoderShape, last: LastStep): void {
  const { x, norms, norm, multiplier = 1, softcap = null } = last
  vocabularyHead(frame, weights, {
    hidden: norms.over(norm, frame.lastPositions(x, c.width), c.width),
    table: c.tied ? TABLE : HEAD,
    ...{ vocabSize: c.vocabSize, width: c.width, multiplier, softcap },
  })
}

/** What a tied checkpoint may hold without need. */
export function spareHead({ tied }: Pick<DecoderShape, 'tied'>): RegExp | null {
  return tied ? /^lm_head\.weight$/ : null
}
