import type { JobTask } from '#shared/rpc/methods/jobs.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import type { JobRow } from '../store/library/jobRows.ts'

/** One job at a time of each kind. */
export type Lane = JobTask['kind']

/** A job at work. */
export interface RunningJob {
  readonly job: JobRow
  readonly lane: Lane
  readonly controller: AbortController
  progress: Progress | null
  /** Of what it reads, 0 to 1. */
  share: number
  /** By `performance.now()`. */
  began: number
  /** Milliseconds in which it was held. */
  held: number
  isMade: boolean
  wasRead: boolean
  /** It is stopped to go on later, not to be given up. */
  goesBack: boolean
}

export function runningJob(job: JobRow, lane: Lane): RunningJob {
  return {
    ...{ job, lane, controller: new AbortController(), progress: null, share: 0, began: performance.now() },
    ...{ held: 0, isMade: false, wasRead: false, goesBack: false },
  }
}

/** How far a report says it is, of what its lane is about: other reports (hashing, laying out weights) come before or after. */
export function shareOf({ done, total, unit, part = { number: 1, of: 1 } }: Progress, lane: Lane): number | null {
  if (unit !== (lane === 'read' ? 'tokens' : 'bytes') || done === undefined || total === undefined || total === 0)
    return null
  return (part.number - 1 + Math.min(1, done / total)) / part.of
}
