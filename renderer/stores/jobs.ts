import { StatePackError } from '#shared/domain/error.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { JobView } from '#shared/rpc/methods/jobs.ts'

export type NewJob = Input<'jobs.add'>['jobs'][number]
export type JobsStatus = Output<'jobs.status'>

/** How many wait or run. */
export function openJobs({ counts }: Pick<JobsStatus, 'counts'>): number {
  return counts.waiting + counts.running
}

/** The last job has just ended, and something is left for a person. */
export function endedBadly(before: JobsStatus, { counts }: JobsStatus): boolean {
  const fresh = counts.failed + counts.interrupted - before.counts.failed - before.counts.interrupted
  return fresh > 0 && openJobs({ counts }) === 0
}

/** Whether there is anything to show of the line. */
export function needsTray({ counts }: JobsStatus): boolean {
  return openJobs({ counts }) + counts.failed + counts.interrupted + counts.cancelled > 0
}

/** The error of a job as everything else throws it. */
export function errorOf({ error }: JobView): StatePackError | null {
  return error === null ? null : new StatePackError(error.code, error.message, error.details)
}
