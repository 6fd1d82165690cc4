import { type ErrorCode, StatePackError, toErrorValue, toStatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import {
  type JobSelection,
  type JobSource,
  type JobState,
  type JobTask,
  type JobView,
  jobTaskSchema,
  type Made,
} from '#shared/rpc/methods/jobs.ts'
import type { ProcessLock } from '../processLock.ts'
import type { JobRow, JobRows } from '../store/library/jobRows.ts'
import type { SettingRows } from '../store/library/settingRows.ts'
import { jobView, madeOf, statusView } from './jobViews.ts'
import { type Performers, performJob } from './performJob.ts'
import { type Lane, type RunningJob, runningJob } from './runningJob.ts'

interface JobQuery {
  readonly states?: readonly JobState[] | undefined
  readonly kind?: Lane | undefined
  readonly offset: number
  readonly limit: number
}
export interface JobQueueOptions {
  readonly rows: JobRows
  readonly settings: SettingRows
  /** Who holds it works through the line: one process of those that have the library open. Null where it is read-only. */
  readonly lock: () => ProcessLock | null
  readonly perform: Performers
  readonly onChange: () => void
  /** Runs when what was read or dismissed has been deleted and nothing is at work. */
  readonly onIdle: () => void
}

export interface QueuedJob {
  readonly title: string
  readonly task: JobTask
  readonly sources?: readonly JobSource[]
  /** Bytes to be read, where it has no sources. */
  readonly size?: number
}

const LANES = ['read', 'download', 'import'] as const satisfies readonly Lane[]
const PAUSED = 'jobs.paused'
const LEFT = 'The engine ended while it was at work on this. Nothing half-made was kept.'
const OPEN: readonly JobState[] = ['waiting', 'running']
const UNSETTLED: readonly JobState[] = ['failed', 'interrupted', 'cancelled']
const ENDED: readonly JobState[] = [...UNSETTLED, 'done']
const ALL: readonly JobState[] = [...OPEN, ...ENDED]

/** What would fail the next job as well: the line waits until a person has seen to it. */
const STOPPING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'E_DISK_FULL',
  'E_IO',
  'E_PERMISSION',
  'E_READ_ONLY',
  'E_STORE_UNREADABLE',
  'E_STORE_BUSY',
  'E_DEVICE',
  'E_MEMORY',
])

/**
 * The one line of long work. It is kept in the library, so it outlives windows and engines; one job at a time runs in each
 * lane. Nothing happens before it is first asked for anything: a command line never works through what a window began.
 */
export class JobQueue {
  readonly #options: JobQueueOptions
  readonly #running = new Map<Lane, RunningJob>()
  readonly #loops = new Map<Lane, Promise<void>>()
  #lock: ProcessLock | null = null
  #isPaused = false
  #isClosed = false
  /** Resolves when what is held may go on. */
  #gate: PromiseWithResolvers<void> | null = null
  #heldSince = 0

  constructor(options: JobQueueOptions) {
    this.#options = options
  }

  add(jobs: readonly QueuedJob[]): number[] {
    this.require()
    const ids = this.#options.rows.add(
      jobs.map(({ title, task, sources = [], size }) => ({
        ...{ title, task, sources, size, lane: task.kind, pace: paceOf(task) },
      })),
    )
    this.#goOn()
    return ids
  }

  status(): Output<'jobs.status'> {
    const isHere = this.#takeOver()
    const running = [...this.#running.values()]
    const secondsOf = (one: RunningJob) => this.#secondsOf(one)
    return statusView(this.#options.rows, { running, secondsOf, paused: this.#isPaused, isHere })
  }

  list({ states = ALL, kind, ...page }: JobQuery): Output<'jobs.list'> {
    this.#takeOver()
    const lanes = kind === undefined ? LANES : [kind]
    const { total, rows } = this.#options.rows.list({ states, lanes }, page)
    const checks = this.#options.rows.checks({ states, lanes })
    return { total, checks, jobs: rows.map(row => this.#view(row)) }
  }

  /** Throws `E_NOT_FOUND`. */
  get(id: number): { job: JobView; made: readonly Made[] } {
    const row = this.#options.rows.get(id)
    if (row === null) throw new StatePackError('E_NOT_FOUND', 'There is no such job any more.', { job: id })
    return { job: this.#view(row), made: madeOf(row) }
  }

  pause(paused: boolean): void {
    this.require()
    this.#options.settings.set(PAUSED, paused || undefined)
    this.#setPaused(paused)
    this.#goOn()
  }

  cancel(selection: JobSelection): number {
    this.require()
    const { rows } = this.#options
    const waiting = rows.select(selection, ['waiting'])
    const running = rows.select(selection, ['running'])
    rows.cancel(waiting)
    for (const { job, controller } of this.#running.values()) if (running.includes(job.id)) controller.abort()
    this.#options.onChange()
    return waiting.length + running.length
  }

  retry({ split, ...selection }: JobSelection & { readonly split: boolean }): number {
    this.require()
    const ids = this.#options.rows.select(selection, UNSETTLED)
    this.#options.rows.again(ids, task => {
      const known = jobTaskSchema.parse(task)
      return split && known.kind === 'read' ? { ...known, split } : known
    })
    this.#goOn()
    return ids.length
  }

  dismiss(selection: JobSelection): number {
    this.require()
    const ids = this.#options.rows.select(selection, ENDED)
    this.#options.rows.remove(ids)
    this.#options.onChange()
    if (this.#running.size === 0) this.#options.onIdle()
    return ids.length
  }

  /** Copies of files that jobs still need. */
  copies(): ReadonlySet<string> {
    const tasks = this.#options.rows.tasks('import').map(task => jobTaskSchema.parse(task))
    return new Set(tasks.flatMap(task => (task.kind === 'import' && task.isCopy ? [task.path] : [])))
  }

  /** A paused job holds on to its model. It lets go of it, and begins again when the line goes on. */
  letGo(): void {
    if (!this.#isPaused) return
    for (const running of this.#running.values()) this.#sendBack(running)
  }

  /** Stops what runs, which the next start goes on with, and gives the line to whoever asks for it next. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const running of this.#running.values()) this.#sendBack(running)
    await Promise.all(this.#loops.values())
    this.#lock?.close()
  }

  /** Throws `E_STORE_BUSY` where another process works through the line, `E_READ_ONLY`. */
  require(): void {
    if (this.#takeOver()) return
    const lock = this.#options.lock()
    if (lock === null) throw new StatePackError('E_READ_ONLY', 'This library is open for reading only.')
    lock.close()
    const message = 'Another window of the Studio, in a program of its own, works through the jobs of this library.'
    throw new StatePackError('E_STORE_BUSY', message)
  }

  /** Makes this process the one that works through the line; false where another is. Finds what was left of the last one. */
  #takeOver(): boolean {
    if (this.#lock !== null) return true
    if (this.#isClosed) return false
    const lock = this.#options.lock()
    if (lock === null) return false
    if (!lock.hold()) {
      lock.close()
      return false
    }
    this.#lock = lock
    this.#setPaused(this.#options.settings.get(PAUSED) === true)
    this.#goOn()
    return true
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#isPaused) return
    this.#isPaused = paused
    if (paused) {
      this.#gate = Promise.withResolvers()
      this.#heldSince = performance.now()
      // A download goes on from what is on the disk, and a file is taken in whole or not at all.
      for (const running of this.#running.values()) if (running.lane !== 'read') this.#sendBack(running)
      return
    }
    for (const running of this.#running.values()) running.held += performance.now() - this.#heldSince
    this.#gate?.resolve()
    this.#gate = null
  }

  #sendBack(running: RunningJob): void {
    if (!running.isMade) running.goesBack = true
    running.controller.abort()
  }

  #goOn(): void {
    const { rows, onChange, onIdle } = this.#options
    for (const lane of LANES) {
      if (this.#loops.has(lane)) continue
      rows.recover(lane, toErrorValue(new StatePackError('E_ENGINE_DOWN', LEFT)))
      const loop = this.#work(lane)
        // What became of a job cannot be written down: nothing is begun until somebody has made room.
        .catch(() => this.#setPaused(true))
        .then(() => {
          this.#loops.delete(lane)
          if (this.#isClosed) return
          // It may have been added to while this loop was about to end.
          if (!this.#isPaused && rows.waiting().some(waiting => waiting.lane === lane)) this.#goOn()
          else if (this.#loops.size === 0) onIdle()
        })
      this.#loops.set(lane, loop)
    }
    onChange()
  }

  async #work(lane: Lane): Promise<void> {
    // Whoever asked has its answer first.
    await Promise.resolve()
    while (!this.#isPaused && !this.#isClosed) {
      const job = this.#options.rows.begin(lane)
      if (job === null) return
      await this.#run(lane, job)
    }
  }

  async #run(lane: Lane, job: JobRow): Promise<void> {
    const { rows, onChange } = this.#options
    const running = runningJob(job, lane)
    this.#running.set(lane, running)
    onChange()
    let error: StatePackError | null = null
    try {
      await performJob(running, { ...this.#options, gate: () => this.#gate?.promise ?? null })
    } catch (thrown) {
      error = toStatePackError(thrown)
    }
    const seconds = error === null && running.wasRead ? this.#secondsOf(running) : null
    this.#running.delete(lane)
    if (error !== null && STOPPING.has(error.code)) this.#setPaused(true)
    if (error === null || running.isMade) rows.end(job.id, { state: 'done', seconds })
    else if (running.goesBack) rows.end(job.id, { state: 'waiting' })
    else if (error.code === 'E_CANCELLED') rows.end(job.id, { state: 'cancelled' })
    else rows.end(job.id, { state: 'failed', error: toErrorValue(error) })
    onChange()
  }

  /** Without the time in which it was held. */
  #secondsOf({ began, held }: RunningJob): number {
    const now = this.#gate === null ? performance.now() : this.#heldSince
    return Math.max(0, now - began - held) / 1000
  }

  #view(row: JobRow): JobView {
    return jobView(
      row,
      [...this.#running.values()].find(({ job }) => job.id === row.id),
    )
  }
}

/** What takes about as long for as much. */
function paceOf(task: JobTask): string {
  if (task.kind === 'read') return `read ${task.model}${task.check ? ' and check' : ''}`
  return task.kind === 'download' ? `download ${task.source}` : 'import'
}
