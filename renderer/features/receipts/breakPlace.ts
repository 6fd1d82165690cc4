import type { ChainProblem } from './Timeline.tsx'

/** A row of the list, newest first. */
export interface ListedRow {
  readonly index: number
  /** Rows of the list. */
  readonly total: number
  /** What the row's receipt says its number is; undefined while it is on its way. */
  readonly seq: number | undefined
  /** Only some operations are listed: then a place in the list is no place in the log. */
  readonly filtered: boolean
}

/**
 * Whether the chain breaks at this row. Of the whole log the place counts, not the number a receipt gives itself: that may
 * be what was changed.
 */
export function breaksAt(problem: ChainProblem | null, { index, total, seq, filtered }: ListedRow): boolean {
  if (problem === null) return false
  return filtered ? seq === problem.index : index === total - 1 - problem.index
}

/** Whether what is wrong lies after the newest receipt that can be listed: a tail that was cut off, or cannot be read. */
export function breaksAfterAll(problem: ChainProblem | null, listed: number): boolean {
  return problem !== null && problem.index >= listed
}
