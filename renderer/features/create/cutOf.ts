import type { TooLongChoice } from './TooLong.tsx'
import type { Estimate } from './useEstimate.ts'

/** What a job is told of a text that is too long, or may be; `estimate` is null where nothing was measured. */
export function cutOf(
  estimate: Pick<Estimate, 'fits' | 'approximate'> | null,
  choice: TooLongChoice,
): { readonly split: boolean; readonly firstTokens?: number } {
  // What fits becomes one all the same; measured on a sample, it may not fit.
  if (estimate?.fits === true) return { split: estimate.approximate }
  return { split: choice.how === 'split', ...(choice.how === 'first' ? { firstTokens: choice.tokens } : {}) }
}
