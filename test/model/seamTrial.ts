import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'

export interface SeamTrial {
  /** The folded tokens are those of the whole text. */
  readonly exact: boolean
  /** Tokens held back after each piece. */
  readonly tails: readonly number[]
  readonly folded: readonly number[]
}

/** Folds `text` cut at `cuts` and compares the tokens with those of the whole text, tokenised at once. */
export function trySeam(tokenizer: Tokenizer, text: string, cuts: readonly number[]): SeamTrial {
  let state = tokenizer.startRun()
  const folded: number[] = []
  const tails: number[] = []
  let from = 0
  for (const to of [...cuts, text.length]) {
    const step = tokenizer.fold(state, text.slice(from, to))
    folded.push(...step.tokens)
    state = step
    from = to
    tails.push(tokenizer.flush(state).length)
  }
  folded.push(...tokenizer.flush(state))
  const whole = tokenizer.encode(text)
  return { exact: folded.length === whole.length && whole.every((id, i) => id === folded[i]), tails, folded }
}

/** The value below which `share` of the numbers lie; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
