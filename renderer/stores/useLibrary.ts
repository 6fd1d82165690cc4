import { useStore } from 'zustand'
import type { Output } from '#shared/rpc/client.ts'
import { EVERYTHING, type LibraryItem } from './libraryStore.ts'
import { PAGE } from './placePages.ts'
import { useStudio } from './studio.ts'
import { type Pages, usePages } from './usePages.ts'
import { useRead } from './useRead.ts'

const itemsOf = ({ items }: Output<'library.list'>) => items

export type LibraryPages = Pages<'library.list', LibraryItem>

/** The library as filtered and sorted now. */
export function useLibrary(): LibraryPages {
  return usePages(
    'library.list',
    useStore(useStudio().library, ({ filter }) => filter),
    itemsOf,
  )
}

/** How many cartridges there are, whatever is searched for; undefined until that is known. */
export function useCartridgeCount(): number | undefined {
  // The first page of the library as it is opened.
  return useRead('library.list', { ...EVERYTHING, offset: 0, limit: PAGE }).data?.facets.all
}
