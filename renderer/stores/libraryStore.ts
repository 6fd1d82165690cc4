import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Input, Output } from '#shared/rpc/client.ts'

export type LibraryFilter = Omit<Input<'library.list'>, 'offset' | 'limit'>
/** A cartridge, or a collection as one object, which its first cartridge stands for. */
export type LibraryItem = Output<'library.list'>['items'][number]

/** A range of the list that is chosen as soon as all of it was read. */
export interface Choosing {
  /** The first and the last entry (inclusive). */
  readonly from: number
  readonly to: number
  readonly reading: Promise<readonly LibraryItem[]>
  /** What is done to it then: in a word, and how. */
  readonly next: { readonly label: string; readonly run: (chosen: readonly LibraryItem[]) => void } | null
}

export interface LibraryState {
  readonly filter: LibraryFilter
  /** Packet ids, of a collection all of its own; the last one is the one shown in the details pane. */
  readonly selected: readonly string[]
  readonly choosing: Choosing | null
  readonly setFilter: (part: Partial<LibraryFilter>) => void
  /** Selects these, and nothing else that was still to be read. */
  readonly select: (packetIds: readonly string[]) => void
  /**
   * Selects what `reading` comes to, unless something else was chosen before; throws what it throws, and selects nothing then.
   * What is done next finds it selected; what that throws is thrown, too.
   */
  readonly choose: (range: Pick<Choosing, 'from' | 'to'>, reading: Promise<readonly LibraryItem[]>) => Promise<void>
  /** Does this to what is being chosen, once it is. */
  readonly doNext: (next: Choosing['next']) => void
  readonly stopChoosing: () => void
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

/** All that items stand for, each once, in their order. */
export function idsOf(items: readonly LibraryItem[]): readonly string[] {
  return [...new Set(items.flatMap(packetIdsOf))]
}

/** How this window looks at the library: what it looks for, and what it has selected. */
export function createLibraryStore(): LibraryStore {
  return createStore<LibraryState>((set, get) => ({
    filter: EVERYTHING,
    selected: [],
    choosing: null,
    // Of another filter, nothing was chosen yet.
    setFilter: part => set({ filter: { ...get().filter, ...part }, choosing: null }),
    select: selected => set({ selected, choosing: null }),
    choose: async (range, reading) => {
      const isMine = () => get().choosing?.reading === reading
      set({ choosing: { ...range, reading, next: null } })
      let chosen: readonly LibraryItem[]
      try {
        chosen = await reading
      } catch (error) {
        if (!isMine()) return
        get().select([])
        throw error
      }
      if (!isMine()) return
      const next = get().choosing?.next
      get().select(idsOf(chosen))
      next?.run(chosen)
    },
    doNext: next => {
      const { choosing } = get()
      if (choosing !== null) set({ choosing: { ...choosing, next } })
    },
    stopChoosing: () => set({ choosing: null }),
  }))
}
