import type { Output } from '#shared/rpc/client.ts'
import { type JobView, jobErrorSchema, jobTaskSchema, type Made, madeSchema } from '#shared/rpc/methods/jobs.ts'
import type { JobRow, JobRows } from '../store/library/jobRows.ts'
import { secondsLeft } from './remaining.ts'
import type { RunningJob } from './runningJob.ts'

/** A job as windows show it; `running` where it is at work here. */
export function jobView(row: JobRow, running: RunningJob | undefined): JobView {
  return {
    ...{ id: row.id, title: row.title, state: row.state },
    task: jobTaskSchema.parse(row.task),
    progress: running?.progress ?? null,
    error: jobErrorSchema.nullable().parse(row.error),
    packetIds: madeOf(row).map(({ packetId }) => packetId),
  }
}

/** What a job keeps of the cartridges it has made. */
export function madeOf({ made }: JobRow): Made[] {
  return madeSchema.array().parse(made ?? [])
}

/** The line at a glance. `secondsOf`: for how long a job has been at work. */
export function statusView(
  rows: JobRows,
  {
    running,
    secondsOf,
    ...here
  }: {
    readonly running: readonly RunningJob[]
    readonly secondsOf: (running: RunningJob) => number
    readonly paused: boolean
    readonly isHere: boolean
  },
): Output<'jobs.status'> {
  const counts = { waiting: 0, running: 0, interrupted: 0, failed: 0, cancelled: 0, done: 0 }
  for (const { state, jobs } of rows.counts()) counts[state] = jobs
  const round = rows.round()
  const shares = running.reduce((sum, { share }) => sum + share, 0)
  return {
    paused: here.paused,
    elsewhere: !here.isHere && counts.waiting + counts.running > 0,
    counts,
    round: { ...round, share: round.total === 0 ? 0 : (round.ended + shares) / round.total },
    etaSeconds: secondsLeft({
      waiting: rows.waiting(),
      running: running.map(one => ({
        ...{ lane: one.lane, pace: one.job.pace, size: one.job.size, share: one.share },
        seconds: secondsOf(one),
        etaSeconds: one.lane === 'download' ? (one.progress?.etaSeconds ?? null) : null,
      })),
      measured: rows.paces(),
    }),
    running: running.map(one => jobView(rows.get(one.job.id) ?? one.job, one)),
  }
}
