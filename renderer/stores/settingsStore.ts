import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Client } from '#shared/rpc/client.ts'
import type { Settings } from '#shared/rpc/methods/engine.ts'

export interface SettingsState {
  /** Null until they were read. */
  readonly settings: Settings | null
  /** Changes some settings at once here, and in the engine; throws (and takes it back) when the engine refuses. */
  readonly change: (part: Partial<Settings>) => Promise<void>
}
export type SettingsStore = StoreApi<SettingsState>

/** The settings of this installation, the same in all windows. */
export function createSettingsStore(client: Client): SettingsStore {
  const store = createStore<SettingsState>((set, get) => ({
    settings: null,
    change: async part => {
      const before = get().settings
      if (before !== null) set({ settings: { ...before, ...part } })
      try {
        set({ settings: await client.call('settings.set', part) })
      } catch (error) {
        set({ settings: before })
        throw error
      }
    },
  }))
  const read = () => {
    client.call('settings.get', {}).then(
      settings => store.setState({ settings }),
      () => undefined,
    )
  }
  client.on('settings.changed', read)
  client.on('engine.status', ({ state }) => {
    if (state === 'ready') read()
  })
  read()
  return store
}
