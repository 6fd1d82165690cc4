import type { QueryClient } from '@tanstack/react-query'
import { createContext, useContext } from 'react'
import type { Client } from '#shared/rpc/client.ts'
import { createQueries } from './createQueries.ts'
import { createEngineStore, type EngineStore } from './engineStore.ts'
import { createLibraryStore, type LibraryStore } from './libraryStore.ts'
import { createSourcesStore, type SourcesStore } from './sourcesStore.ts'

/** Everything a window holds: the client, the cache of what the engine says, and what is the window's own. */
export interface Studio {
  readonly client: Client
  /** What is read through {@link useRead} and {@link usePages}. */
  readonly queries: QueryClient
  readonly engine: EngineStore
  readonly library: LibraryStore
  readonly sources: SourcesStore
}

/** Builds it over an injected client. */
export function createStudio(client: Client): Studio {
  return {
    client,
    queries: createQueries(client),
    engine: createEngineStore(client),
    library: createLibraryStore(),
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

/** The client of this window, for calls that are neither a {@link useRead} nor a {@link useTask}. */
export function useClient(): Client {
  return useStudio().client
}
