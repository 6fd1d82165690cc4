import { countWords, type MergeChain, shouldCompact } from '../../../shared/domain/compaction.ts'
import { StatePackError } from '../../../shared/domain/error.ts'
import { savedPercent } from '../../../shared/domain/savings.ts'
import type { FoldPolicy } from './foldPolicy.ts'
import type { CallOptions, CreatedState, StatePack } from './statePack.ts'

export interface LoopStats {
  readonly steps: number
  /** Chains that were folded into one state. */
  readonly folds: number
  /** Tokens run through the model: base, steps, and what folding read again. */
  readonly processed: number
  /** What reading the whole context again at each step would have taken. */
  readonly naive: number
  readonly saved: number
  readonly savedPercent: number
}

/** A state that grows step by step, and what its steps took. Folds itself when its policy says so. */
export class Chain {
  stateHash: string
  readonly #server: StatePack
  readonly #policy: FoldPolicy
  #chain: MergeChain
  #counts: { steps: number; folds: number; processed: number; naive: number }

  constructor(server: StatePack, base: CreatedState, { policy, baseText }: { policy: FoldPolicy; baseText: string }) {
    this.#server = server
    this.#policy = policy
    this.stateHash = base.stateHash
    this.#chain = { steps: 0, deltaWords: 0, deltaTokens: 0, baseWords: countWords(baseText), baseTokens: base.tokens }
    this.#counts = { steps: 0, folds: 0, processed: base.tokensProcessed, naive: 0 }
  }

  /** Goes on to the state that a step has led to. */
  async step(
    step: { stateHash: string; delta: string; processed: number; naive: number; newTokens: number },
    options: CallOptions = {},
  ): Promise<void> {
    const { steps, deltaWords, deltaTokens, ...base } = this.#chain
    this.stateHash = step.stateHash
    this.#chain = {
      ...base,
      steps: steps + 1,
      deltaWords: deltaWords + countWords(step.delta),
      deltaTokens: deltaTokens + step.newTokens,
    }
    this.#counts.steps += 1
    this.#counts.processed += step.processed
    this.#counts.naive += step.naive
    if (this.#isFoldWanted()) await this.#fold(options)
  }

  #isFoldWanted(): boolean {
    return typeof this.#policy === 'number'
      ? this.#chain.steps >= this.#policy
      : shouldCompact(this.#policy, this.#chain)
  }

  async #fold(options: CallOptions): Promise<void> {
    try {
      const { newStateHash, tokens, tokensProcessed } = await this.#server.compact(
        { stateHash: this.stateHash },
        options,
      )
      this.stateHash = newStateHash
      const baseWords = this.#chain.baseWords + this.#chain.deltaWords
      this.#chain = { steps: 0, deltaWords: 0, deltaTokens: 0, baseWords, baseTokens: tokens }
      this.#counts.folds += 1
      this.#counts.processed += tokensProcessed
    } catch (thrown) {
      // Answers that the model wrote cannot be read again from texts: the chain stays as it is, and is as good.
      if (!(thrown instanceof StatePackError) || thrown.code !== 'E_NOT_SUPPORTED') throw thrown
    }
  }

  stats(): LoopStats {
    const { processed, naive } = this.#counts
    return { ...this.#counts, saved: naive - processed, savedPercent: savedPercent(naive, processed) }
  }
}
