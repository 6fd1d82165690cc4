import { StatePackError } from '#shared/domain/error.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { JobState, JobView } from '#shared/rpc/methods/jobs.ts'

export type NewJob = Input<'jobs.add'>['jobs'][number]
export type JobsStatus = Output<'jobs.status'>

/** How many wait or run. */
export function openJobs({ counts }: Pick<JobsStatus, 'counts'>): number {
  return counts.waiting + counts.running
}

/** What a person calls failed: those that threw, and those that ran when the engine died. Each row says which. */
export const FAILED = ['failed', 'interrupted'] as const satisfies readonly JobState[]

export function failedJobs({ counts }: Pick<JobsStatus, 'counts'>): number {
  return FAILED.reduce((sum, state) => sum + counts[state], 0)
}

/** The last job has just ended, and something is left for a person. */
export function endedBadly(before: JobsStatus, now: JobsStatus): boolean {
  return failedJobs(now) > failedJobs(before) && openJobs(now) === 0
}

/** Whether there is anything to show of the line. */
export function needsTray(status: JobsStatus): boolean {
  return openJobs(status) + failedJobs(status) + status.counts.cancelled > 0
}

/** The error of a job as everything else throws it. */
export function errorOf({ error }: JobView): StatePackError | null {
  return error === null ? null : new StatePackError(error.code, error.message, error.details)
}
