import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Client } from '#shared/rpc/client.ts'
import type { EventData } from '#shared/rpc/events.ts'

/** The engine process as its parent said last. */
export interface EngineSaid {
  readonly state: EventData<'engine.status'>['state']
  readonly reason: string | null
  /** Milliseconds since 1970; 0 when it has said nothing yet. */
  readonly at: number
}
export type EngineStore = StoreApi<EngineSaid>

export function createEngineStore(client: Client): EngineStore {
  const store = createStore<EngineSaid>(() => ({ state: 'starting', reason: null, at: 0 }))
  client.on('engine.status', ({ state, reason }) => store.setState({ state, reason: reason ?? null, at: Date.now() }))
  return store
}
