import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Client, Input, Output } from '#shared/rpc/client.ts'

export type LibraryFilter = Omit<Input<'library.list'>, 'offset' | 'limit'>
/** A cartridge, or a collection as one object, which its first cartridge stands for. */
export type LibraryItem = Output<'library.list'>['items'][number]
type Facets = Output<'library.list'>['facets']

/** Items per call: a screenful or two. */
const PAGE = 100

export interface LibraryState {
  readonly filter: LibraryFilter
  /** How many items pass the filter; null until first read. */
  readonly total: number | null
  /** Counted among what the search finds, whatever filters are set. */
  readonly facets: Facets | null
  /** How many cartridges there are, whatever is searched for; null until known. */
  readonly all: number | null
  /** Sparse: what was scrolled to so far, by index. */
  readonly items: readonly (LibraryItem | undefined)[]
  readonly error: unknown
  /** Packet ids, of a collection all of its own; the last one is the one shown in the details pane. */
  readonly selected: readonly string[]
  readonly setFilter: (part: Partial<LibraryFilter>) => void
  /** Makes sure the items `from` to `to` (inclusive) are there or on their way. */
  readonly need: (from: number, to: number) => void
  readonly select: (packetIds: readonly string[]) => void
  readonly reload: () => void
}
export type LibraryStore = StoreApi<LibraryState>

/** The cartridges that an item stands for. */
export function packetIdsOf({ packetId, stack }: LibraryItem): readonly string[] {
  return stack?.packetIds ?? [packetId]
}

/** The library as filtered and sorted now, read page by page, and again whenever it changed. */
export function createLibraryStore(client: Client): LibraryStore {
  let generation = 0
  const pages = new Set<number>()

  const store = createStore<LibraryState>((set, get) => {
    async function readPage(page: number): Promise<void> {
      if (pages.has(page)) return
      pages.add(page)
      const mine = generation
      try {
        const result = await client.call('library.list', { ...get().filter, offset: page * PAGE, limit: PAGE })
        if (mine !== generation) return
        // On the first page of a new generation the old items go; until then they stay on screen.
        const items = fresh ? [] : get().items.slice()
        fresh = false
        items.length = result.total
        for (const [i, item] of result.items.entries()) items[page * PAGE + i] = item
        const all = (get().filter.query ?? '') === '' ? result.facets.all : get().all
        set({ items, total: result.total, facets: result.facets, all, error: null })
      } catch (error) {
        if (mine !== generation) return
        pages.delete(page)
        set({ error })
      }
    }
    let fresh = false
    let wanted: readonly [number, number] = [0, 0]
    function restart(): void {
      generation += 1
      fresh = true
      pages.clear()
      for (let page = Math.floor(wanted[0] / PAGE); page <= Math.floor(wanted[1] / PAGE); page++) void readPage(page)
    }
    return {
      filter: { query: '', sort: 'used', stacked: true },
      total: null,
      facets: null,
      all: null,
      items: [],
      error: null,
      selected: [],
      setFilter: part => {
        set({ filter: { ...get().filter, ...part } })
        wanted = [0, 0]
        restart()
      },
      need: (from, to) => {
        wanted = [Math.max(0, from), Math.max(0, to)]
        for (let page = Math.floor(wanted[0] / PAGE); page <= Math.floor(wanted[1] / PAGE); page++) void readPage(page)
      },
      select: selected => set({ selected }),
      reload: restart,
    }
  })

  let timer: ReturnType<typeof setTimeout> | undefined
  const soon = () => {
    clearTimeout(timer)
    timer = setTimeout(() => store.getState().reload(), 60)
  }
  client.on('library.changed', soon)
  client.on('models.changed', soon)
  client.on('engine.status', ({ state }) => {
    if (state === 'ready') soon()
  })
  store.getState().need(0, 0)
  return store
}
