import { z } from 'zod'
import { createStore, type StoreApi } from 'zustand/vanilla'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Client, Input } from '#shared/rpc/client.ts'
import { type Created, packetMethods } from '#shared/rpc/methods/packets.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { keep, kept } from './useKept.ts'

/** One or, when split, several cartridges to be made from given texts. */
export type Order =
  | { readonly how: 'whole'; readonly input: Input<'packets.create'> }
  | { readonly how: 'split'; readonly input: Input<'packets.createSplit'> }

/** The same texts in several cartridges: system prompt and template stand in each. */
export function splitOrder(input: Order['input']): Order {
  const { model, sources, systemPrompt, template, time, controlTokens, dtype, name, title, card } = input
  const reading = { systemPrompt, template, time, controlTokens }
  return { how: 'split', input: { model, sources, ...reading, dtype, name, title, card } }
}

/** What each recalls of its text. A check that is stopped or fails takes nothing from the cartridge: it stays unchecked. */
async function spotCheckAll(
  client: Client,
  created: readonly Created[],
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
): Promise<readonly Created[]> {
  const checked: Created[] = []
  for (const one of created) {
    const { packetId, spotChecks } = one.cartridge
    const found =
      spotChecks !== null || options.signal.aborted
        ? spotChecks
        : await client.call('packets.spotCheck', { ref: packetId }, options).catch(() => null)
    const kept = found === null ? null : { recalled: found.recalled, checked: found.checked }
    checked.push({ ...one, cartridge: { ...one.cartridge, spotChecks: kept } })
  }
  return checked
}

const KEY = 'create.jobs'
/** What a reload brings back: jobs that have not made their cartridges. */
const keptSchema = z.array(
  z.object({
    title: z.string(),
    isCancelled: z.boolean(),
    order: z.discriminatedUnion('how', [
      z.object({ how: z.literal('whole'), input: packetMethods['packets.create'].input }),
      z.object({ how: z.literal('split'), input: packetMethods['packets.createSplit'].input }),
    ]),
  }),
)

export interface Job {
  readonly id: number
  readonly title: string
  readonly order: Order
  readonly status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly progress: Progress | null
  readonly created: readonly Created[]
  readonly error: unknown
}

export interface CreateQueueState {
  readonly jobs: readonly Job[]
  readonly add: (title: string, order: Order) => void
  /** Stops a running job (nothing half-made is kept, what was made stays unchecked) or takes a waiting one out of the line. */
  readonly cancel: (id: number) => void
  readonly retry: (id: number) => void
  /** Reads a text that was too long into several cartridges instead. */
  readonly split: (id: number) => void
  readonly dismiss: (id: number) => void
  /** Begins what waits. */
  readonly resume: () => void
}
export type CreateQueue = StoreApi<CreateQueueState>

/** Texts waiting to be read, one at a time. Belongs to the window: going elsewhere does not stop it, a reload begins it again. */
export function createCreateQueue(client: Client): CreateQueue {
  let lastId = 0
  let stop: { readonly id: number; readonly controller: AbortController } | null = null

  const store = createStore<CreateQueueState>((set, get) => {
    const change = (id: number, part: Partial<Job>) =>
      set({ jobs: get().jobs.map(job => (job.id === id ? { ...job, ...part } : job)) })

    async function next(): Promise<void> {
      if (stop !== null) return
      const job = get().jobs.find(candidate => candidate.status === 'waiting')
      if (job === undefined) return
      const controller = new AbortController()
      stop = { id: job.id, controller }
      change(job.id, { status: 'running', error: null, progress: null })
      const options = { signal: controller.signal, onProgress: (progress: Progress) => change(job.id, { progress }) }
      try {
        const created =
          job.order.how === 'whole'
            ? [await client.call('packets.create', job.order.input, options)]
            : (await client.call('packets.createSplit', job.order.input, options)).parts
        change(job.id, { created, progress: null })
        change(job.id, { status: 'done', created: await spotCheckAll(client, created, options), progress: null })
      } catch (thrown) {
        const error = toStatePackError(thrown)
        change(job.id, { status: error.code === 'E_CANCELLED' ? 'cancelled' : 'failed', error, progress: null })
      }
      stop = null
      void next()
    }

    return {
      jobs: kept(KEY, keptSchema, []).map(({ title, order, isCancelled }) => {
        lastId += 1
        const status = isCancelled ? 'cancelled' : 'waiting'
        return { id: lastId, title, order, status, progress: null, created: [], error: null }
      }),
      add: (title, order) => {
        lastId += 1
        const job: Job = { id: lastId, title, order, status: 'waiting', progress: null, created: [], error: null }
        set({ jobs: [...get().jobs, job] })
        void next()
      },
      cancel: id => {
        if (stop?.id === id) stop.controller.abort()
        else change(id, { status: 'cancelled' })
      },
      retry: id => {
        change(id, { status: 'waiting', error: null })
        void next()
      },
      split: id => {
        const job = get().jobs.find(candidate => candidate.id === id)
        if (job === undefined) return
        change(id, { order: splitOrder(job.order.input), status: 'waiting', error: null })
        void next()
      },
      resume: () => void next(),
      dismiss: id => set({ jobs: get().jobs.filter(job => job.id !== id) }),
    }
  })
  store.subscribe(({ jobs }, before) => {
    if (jobs.every((job, i) => job.status === before.jobs[i]?.status) && jobs.length === before.jobs.length) return
    const open = jobs.filter(job => job.status !== 'done')
    keep(
      KEY,
      open.map(({ title, order, status }) => ({ title, order, isCancelled: status === 'cancelled' })),
    )
  })
  store.getState().resume()
  return store
}
