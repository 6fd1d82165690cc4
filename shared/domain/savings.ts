/**
 * What an agent loop costs in tokens. Step s reads the base and everything so far; a loop has S steps.
 * naive: the whole context is read again at each step. state: the base is read once, then only what is new.
 */

export interface LoopShape {
  /** S */
  readonly steps: number
  /** Tokens of the text all steps start from. */
  readonly base: number
  /** New tokens at each step. */
  readonly delta: number
  /** Tokens of each reply that stay in the context; 0 when replies are dropped. */
  readonly reply?: number
}

/** Tokens a naive loop reads at step `step` (from 1): base, all deltas so far, all earlier replies. */
export function naiveStepTokens({ base, delta, reply = 0 }: Omit<LoopShape, 'steps'>, step: number): number {
  return base + delta * step + reply * (step - 1)
}

/** Tokens a naive loop reads in all its steps: S·base + delta·S(S+1)/2 + reply·S(S-1)/2. */
export function naiveLoopTokens({ steps, base, delta, reply = 0 }: LoopShape): number {
  return steps * base + (delta * steps * (steps + 1)) / 2 + (reply * steps * (steps - 1)) / 2
}

/**
 * Tokens read when the state is kept: base + delta·S. Replies kept in the context cost nothing: the model held them in its state
 * when it wrote them.
 */
export function stateLoopTokens({ steps, base, delta }: LoopShape): number {
  return base + delta * steps
}

/** Share of the naive tokens that were not read, percent; negative when more were. 0 when there were none. */
export function savedPercent(naive: number, state: number): number {
  return naive === 0 ? 0 : ((naive - state) / naive) * 100
}
