import { type JobSource, type JobTask, jobTaskSchema, type Made } from '#shared/rpc/methods/jobs.ts'
import { orAborted } from '../orAborted.ts'
import type { Call } from '../packets/context.ts'
import type { JobRows } from '../store/library/jobRows.ts'
import { type Lane, type RunningJob, shareOf } from './runningJob.ts'

/** What a job is given to do its work with. */
export interface JobWork {
  readonly call: Call
  readonly sources: () => readonly JobSource[]
  /** Bytes or characters of what it reads. */
  readonly size: number
  /** Says what has been stored, once: from here on the job is done whatever happens. */
  readonly made: (made: readonly Made[], how: { readonly wasRead: boolean }) => void
}

/** Ends when the work is done; throws why it cannot be. */
export type Performers = { readonly [L in Lane]: (task: Extract<JobTask, { kind: L }>, work: JobWork) => Promise<void> }

interface Performing {
  readonly rows: Pick<JobRows, 'sources' | 'made'>
  readonly perform: Performers
  readonly onChange: () => void
  /** What a job waits for while the line is held; null while it is not. */
  readonly gate: () => Promise<void> | null
}

/** Does a job's work, and keeps what is known of it up to date. Throws why it cannot be done. */
export function performJob(running: RunningJob, { rows, perform, onChange, gate }: Performing): Promise<void> {
  const { job, controller, lane } = running
  const { signal } = controller
  const task = jobTaskSchema.parse(job.task)
  const work: JobWork = {
    sources: () => rows.sources(job.id),
    size: job.size,
    made: (made, { wasRead }) => {
      rows.made(job.id, made)
      Object.assign(running, { isMade: true, wasRead, share: 1 })
      onChange()
    },
    call: {
      signal,
      progress: report => {
        running.progress = report
        running.share = running.isMade ? 1 : (shareOf(report, lane) ?? running.share)
        onChange()
        const closed = gate()
        if (closed === null || running.isMade) return
        const held = orAborted(closed, signal)
        // Only reading waits for it; the work that made another report hears of the abort by itself.
        held.catch(() => {})
        return held
      },
    },
  }
  if (task.kind === 'read') return perform.read(task, work)
  return task.kind === 'download' ? perform.download(task, work) : perform.import(task, work)
}
