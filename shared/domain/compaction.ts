/** When a chain of merges is folded into one state by itself. Pure: what a chain has is counted elsewhere. */
import { z } from 'zod'

export const compactionPolicySchema = z.enum(['never', 'threshold', 'savings', 'always'])
export type CompactionPolicy = z.infer<typeof compactionPolicySchema>

/** A chain of merges since its state was last read in one piece. */
export interface MergeChain {
  /** Merges since then. */
  readonly steps: number
  readonly baseWords: number
  /** Words of all merged texts together. */
  readonly deltaWords: number
  readonly baseTokens: number
  readonly deltaTokens: number
}

/** Numbers of State Pack's own policies. */
export const COMPACTION_LIMITS = {
  threshold: { wordRatio: 1, minSteps: 3, maxSteps: 20 },
  savings: { minPercent: 70, maxSteps: 30 },
} as const

/**
 * Whether a policy wants this chain folded now.
 * `threshold`: from 3 steps on, when the merged texts have as many words as the base, or the chain has 20 steps.
 * `savings`: when {@link chainSavingsPercent} is below 70, or the chain has 30 steps.
 * `always`: after every merge. `never`: not by itself. A chain without steps is never folded.
 */
export function shouldCompact(policy: CompactionPolicy, chain: MergeChain): boolean {
  if (chain.steps < 1) return false
  switch (policy) {
    case 'never':
      return false
    case 'always':
      return true
    case 'threshold': {
      const { wordRatio, minSteps, maxSteps } = COMPACTION_LIMITS.threshold
      if (chain.steps < minSteps) return false
      return chain.steps >= maxSteps || chain.deltaWords >= wordRatio * chain.baseWords
    }
    case 'savings': {
      const { minPercent, maxSteps } = COMPACTION_LIMITS.savings
      return chain.steps >= maxSteps || chainSavingsPercent(chain) < minPercent
    }
  }
}

/**
 * What the base saves a client that keeps its deltas and sends them all with each call: the share of the context, in
 * percent, that it need not send again. Falls as deltas gather; 100 of an empty context.
 */
export function chainSavingsPercent({ baseTokens, deltaTokens }: MergeChain): number {
  const all = baseTokens + deltaTokens
  return all === 0 ? 100 : (100 * baseTokens) / all
}

/** Words as State Pack counts them: runs of anything but white space. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}
