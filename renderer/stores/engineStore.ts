import { createStore, type StoreApi } from 'zustand/vanilla'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Client, Output } from '#shared/rpc/client.ts'
import type { EventData } from '#shared/rpc/events.ts'
import { describeError } from '../ui/describeError.ts'

export interface EngineState {
  /** The engine process as its parent sees it; `ready` is only said after the engine has answered. */
  readonly state: EventData<'engine.status'>['state']
  readonly reason: string | null
  /** The engine answers, and not this window: it has no key, or one of an earlier start. */
  readonly signedOut: boolean
  readonly info: Output<'engine.status'> | null
  /** Reads `engine.status` again. */
  readonly refresh: () => Promise<void>
}
export type EngineStore = StoreApi<EngineState>

/** The engine's state, kept current by events. */
export function createEngineStore(client: Client): EngineStore {
  const store = createStore<EngineState>(set => ({
    state: 'starting',
    reason: null,
    signedOut: false,
    info: null,
    refresh: async () => {
      try {
        const info = await client.call('engine.status', {})
        set({ info, state: 'ready', reason: null, signedOut: false })
      } catch (error) {
        set({ signedOut: toStatePackError(error).code === 'E_UNAUTHORIZED' })
        // Not reachable at first means still starting; after that the parent's own events say what is the matter.
        if (store.getState().info === null) set({ reason: describeError(error).line })
      }
    },
  }))
  let waiting = false
  // Not put off by the next event: while much happens the figures follow, five times a second.
  const soon = () => {
    if (waiting) return
    waiting = true
    setTimeout(() => {
      waiting = false
      void store.getState().refresh()
    }, 200)
  }
  client.on('engine.status', ({ state, reason }) => {
    store.setState({ state, reason: reason ?? null })
    if (state === 'ready') void store.getState().refresh()
  })
  client.on('receipts.appended', soon)
  client.on('library.changed', soon)
  client.on('settings.changed', soon)
  client.on('models.changed', soon)
  void store.getState().refresh()
  return store
}
