/** Entries in a page, of every list that is read page by page: a screenful or two. */
export const PAGE = 100

export interface ListPage<T> {
  /** How many entries the whole list had. */
  readonly total: number
  readonly entries: readonly T[]
}

/**
 * The list that `newest` belongs to, each page at its place; sparse where none was read. In a list that grew or shrank every
 * entry may have moved: pages of another length are left out.
 */
export function placePages<T>(
  newest: ListPage<T>,
  pageAt: (page: number) => ListPage<T> | undefined,
): readonly (T | undefined)[] {
  const list: (T | undefined)[] = []
  list.length = newest.total
  for (let page = 0; page * PAGE < newest.total; page += 1) {
    const { total, entries } = pageAt(page) ?? { total: null, entries: [] }
    if (total === newest.total) for (const [at, entry] of entries.entries()) list[page * PAGE + at] = entry
  }
  return list
}
