import { createContext, useContext } from 'react'
import type { Client } from '#shared/rpc/client.ts'
import { createEngineStore, type EngineStore } from './engineStore.ts'
import { createJobsStore, type JobsStore } from './jobsStore.ts'
import { createLibraryStore, type LibraryStore } from './libraryStore.ts'
import { createSettingsStore, type SettingsStore } from './settingsStore.ts'
import { createSourcesStore, type SourcesStore } from './sourcesStore.ts'

/** Everything a window holds: the client and one slice per concern. Features keep their own state with {@link useQuery} and {@link useTask}. */
export interface Studio {
  readonly client: Client
  readonly engine: EngineStore
  readonly settings: SettingsStore
  readonly library: LibraryStore
  readonly jobs: JobsStore
  readonly sources: SourcesStore
}

/** Builds the slices over an injected client; each subscribes to the events it depends on. */
export function createStudio(client: Client): Studio {
  return {
    client,
    engine: createEngineStore(client),
    settings: createSettingsStore(client),
    library: createLibraryStore(client),
    jobs: createJobsStore(client),
    sources: createSourcesStore(client),
  }
}

export const StudioContext = createContext<Studio | null>(null)

/** The studio of this window. Throws outside of the app. */
export function useStudio(): Studio {
  const studio = useContext(StudioContext)
  if (studio === null) throw new Error('useStudio needs a StudioContext')
  return studio
}

/** The client of this window, for calls that are neither a {@link useQuery} nor a {@link useTask}. */
export function useClient(): Client {
  return useStudio().client
}
