import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Input, Output } from '#shared/rpc/client.ts'

export type LibraryFilter = Omit<Input<'library.list'>, 'offset' | 'limit'>
/** A cartridge, or a collection as one object, which its first cartridge stands for. */
export type LibraryItem = Output<'library.list'>['items'][number]

export interface LibraryState {
  readonly filter: LibraryFilter
  /** Packet ids, of a collection all of its own; the last one is the one shown in the details pane. */
  readonly selected: readonly string[]
  readonly setFilter: (part: Partial<LibraryFilter>) => void
  readonly select: (packetIds: readonly string[]) => void
}
export type LibraryStore = StoreApi<LibraryState>

/** What is looked for first: everything. */
export const EVERYTHING: LibraryFilter = { query: '', sort: 'used', stacked: true }

/** Whether something narrows the library besides a search. */
export function isFiltered({ kind, model, tag, trust, verified }: LibraryFilter): boolean {
  return [kind, model, tag, trust, verified].some(wanted => wanted !== undefined)
}

/** The cartridges that an item stands for. */
export function packetIdsOf({ packetId, stack }: LibraryItem): readonly string[] {
  return stack?.packetIds ?? [packetId]
}

/** How this window looks at the library: what it looks for, and what it has selected. */
export function createLibraryStore(): LibraryStore {
  return createStore<LibraryState>((set, get) => ({
    filter: EVERYTHING,
    selected: [],
    setFilter: part => set({ filter: { ...get().filter, ...part } }),
    select: selected => set({ selected }),
  }))
}
