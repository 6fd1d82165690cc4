import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { deltaText, type LoopTexts } from './loopTexts.ts'

export interface StepTokens {
  /** The whole text up to and including this step, tokenised at once: what a naive loop reads. */
  readonly naive: Int32Array
  /** This step's text tokenised alone: what State Pack's loop reads. */
  readonly delta: Int32Array
}

export interface LoopTokens {
  /** The base tokenised alone. */
  readonly base: Int32Array
  readonly steps: readonly StepTokens[]
}

/** Tokens of a loop in State Pack's way of counting: pieces tokenised alone, their sum a little off the whole text's. */
export function loopTokens(tokenizer: Pick<Tokenizer, 'encode'>, texts: LoopTexts, steps: number): LoopTokens {
  let whole = texts.base
  return {
    base: tokenizer.encode(texts.base),
    steps: Array.from({ length: steps }, (_, i) => {
      const text = deltaText(texts, i + 1)
      whole += text
      return { naive: tokenizer.encode(whole), delta: tokenizer.encode(text) }
    }),
  }
}

/** Totals of {@link loopTokens}: every whole text, against the base once and every step once. */
export function countLoop({ base, steps }: LoopTokens): { readonly naive: number; readonly state: number } {
  return {
    naive: steps.reduce((sum, step) => sum + step.naive.length, 0),
    state: steps.reduce((sum, step) => sum + step.delta.length, base.length),
  }
}
