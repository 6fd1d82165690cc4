import { createStore, type StoreApi } from 'zustand/vanilla'
import { StatePackError } from '#shared/domain/error.ts'
import type { Client, Input, Output } from '#shared/rpc/client.ts'
import type { JobState, JobView } from '#shared/rpc/methods/jobs.ts'

export type NewJob = Input<'jobs.add'>['jobs'][number]
export type JobsStatus = Output<'jobs.status'>

/** Jobs per call: a screenful or two. */
const PAGE = 100

export interface JobsState {
  /** Null until it was read. */
  readonly status: JobsStatus | null
  /** Which jobs are listed. */
  readonly shown: readonly JobState[] | null
  readonly total: number
  /** Sparse: what was scrolled to so far, by index. */
  readonly items: readonly (JobView | undefined)[]
  readonly error: unknown
  readonly isOpen: boolean
  /** Lists other jobs; null for all. */
  readonly show: (states: readonly JobState[] | null) => void
  /** Makes sure the items `from` to `to` (inclusive) are there or on their way. */
  readonly need: (from: number, to: number) => void
  readonly open: (isOpen: boolean) => void
  /** Reads the status again; resolves when it is there. */
  readonly refresh: () => Promise<void>
}
export type JobsStore = StoreApi<JobsState>

/** The engine's line of jobs as this window sees it: the status always, the list as far as it is looked at. */
export function createJobsStore(client: Client): JobsStore {
  let wanted: readonly [number, number] = [0, 0]
  let generation = 0

  const store = createStore<JobsState>((set, get) => ({
    status: null,
    shown: null,
    total: 0,
    items: [],
    error: null,
    isOpen: false,
    show: shown => {
      wanted = [0, 0]
      set({ shown, items: [], total: 0 })
      void readList()
    },
    need: (from, to) => {
      wanted = [Math.max(0, from), Math.max(0, to)]
      const { items } = get()
      const [first, last] = wanted
      for (let i = first; i <= last; i++) {
        if (items[i] !== undefined) continue
        void readList()
        return
      }
    },
    open: isOpen => {
      set({ isOpen })
      if (isOpen) void readList()
    },
    refresh: () => refresh(),
  }))

  /** Reads what is in sight again; pages further off are read when they are scrolled to. */
  async function readList(): Promise<void> {
    const mine = ++generation
    const { shown } = store.getState()
    const states = shown === null ? {} : { states: [...shown] }
    const items: (JobView | undefined)[] = []
    try {
      const [first, last] = wanted.map(index => Math.floor(index / PAGE)) as [number, number]
      for (let page = first; page <= last; page++) {
        const found = await client.call('jobs.list', { ...states, offset: page * PAGE, limit: PAGE })
        if (mine !== generation) return
        items.length = found.total
        for (const [i, job] of found.jobs.entries()) items[page * PAGE + i] = job
      }
      store.setState({ items, total: items.length, error: null })
    } catch (error) {
      if (mine === generation) store.setState({ error })
    }
  }

  let reading: Promise<void> | null = null
  let next: Promise<void> | null = null
  /** One reading at a time: all that is asked for meanwhile is answered by one more. */
  function refresh(): Promise<void> {
    if (reading === null) {
      reading = read().finally(() => {
        reading = null
      })
      return reading
    }
    next ??= reading.then(() => {
      next = null
      return refresh()
    })
    return next
  }
  async function read(): Promise<void> {
    const before = store.getState().status
    const status = await client.call('jobs.status', {}).catch(() => null)
    if (status !== null) {
      store.setState({ status })
      // What goes wrong is shown where one is; opening takes no focus.
      if (before !== null && endedBadly(before, status)) store.setState({ isOpen: true })
    }
    if (store.getState().isOpen) await readList()
  }

  client.on('jobs.changed', () => void refresh())
  client.on('engine.status', ({ state }) => {
    if (state === 'ready') void refresh()
  })
  void refresh()
  return store
}

/** How many wait or run. */
export function openJobs({ counts }: Pick<JobsStatus, 'counts'>): number {
  return counts.waiting + counts.running
}

/** The last job has just ended, and something is left for a person. */
function endedBadly(before: JobsStatus, { counts }: JobsStatus): boolean {
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
