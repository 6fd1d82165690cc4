import { COMPACTION_LIMITS } from '../../../shared/domain/compaction.ts'

/**
 * When a chain of steps is folded into one state by itself. `threshold`: from 3 steps on, when the deltas have as many words
 * as the base, or the chain has 20 steps. `savings`: when the base is less than 70 % of the context, or the chain has 30
 * steps. `always`, `never`; a number: after so many steps.
 */
export type FoldPolicy = 'threshold' | 'savings' | 'always' | 'never' | number

/** The numbers behind the policies. */
export const FOLD_LIMITS: {
  readonly threshold: { readonly wordRatio: number; readonly minSteps: number; readonly maxSteps: number }
  readonly savings: { readonly minPercent: number; readonly maxSteps: number }
} = COMPACTION_LIMITS
