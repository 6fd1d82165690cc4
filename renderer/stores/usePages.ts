import { hashKey, useQueries } from '@tanstack/react-query'
import { useCallback, useMemo, useRef, useState } from 'react'
import { StatePackError } from '#shared/domain/error.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import { type ListPage, PAGE, placePages } from './placePages.ts'
import { read } from './read.ts'
import { useStudio } from './studio.ts'

type PagedMethod = 'library.list' | 'jobs.list' | 'receipts.list'

export interface Pages<M extends PagedMethod, T> {
  /** The pages as they were answered, the newest first; empty until the first is here. */
  readonly answers: readonly Output<M>[]
  /** Sparse: what was scrolled to so far, by index. The list before stays until there is something of another filter. */
  readonly items: readonly (T | undefined)[]
  readonly error: unknown
  /** Makes sure the items `from` to `to` (inclusive) are there or on their way. */
  readonly need: (from: number, to: number) => void
  /**
   * The items `from` to `to` (inclusive) as they are answered now, wherever one has scrolled; they are among `items` then. Throws
   * `E_CONFLICT` where the list became another one meanwhile, and `E_CANCELLED` where another filter is looked at.
   */
  readonly readBetween: (from: number, to: number) => Promise<readonly T[]>
  readonly reload: () => void
}

/** Calls under way at once for {@link Pages.readBetween}. */
const AT_ONCE = 6

/** Pages of one filter. */
interface Sight {
  readonly key: string
  readonly first: number
  readonly last: number
  /** These and those that were scrolled past. */
  readonly seen: readonly number[]
}

const beginningOf = (key: string): Sight => ({ key, first: 0, last: 0, seen: [0] })
/** What stands where may be told once it is read anew. */
export const listChanged = () => new StatePackError('E_CONFLICT', 'The list changed while it was read. Choose again.')

/** From the first to the last, both of them; none where the last is before the first. */
export const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at)

type Shown<M extends PagedMethod, T> = Pick<Pages<M, T>, 'answers' | 'items'>

/**
 * A list that may be long, read page by page as it is scrolled to. Only the pages in sight are followed while it changes.
 * `entriesOf` must keep its identity.
 */
export function usePages<M extends PagedMethod, T>(
  method: M,
  filter: Omit<Input<M>, 'offset' | 'limit'>,
  entriesOf: (answer: Output<M>) => readonly T[],
): Pages<M, T> {
  const { queries } = useStudio()
  const key = hashKey([filter])
  const [sight, setSight] = useState<Sight>(beginningOf(key))
  const keyNow = useRef(key)
  keyNow.current = key
  /** How often pages were read that are not in sight. */
  const [reads, setReads] = useState(0)
  // Another filter is looked at from its beginning.
  const { first, last, seen } = sight.key === key ? sight : beginningOf(key)
  const inSight = range(first, last)
  const asked = (page: number) => read(method, { ...filter, offset: page * PAGE, limit: PAGE } as Input<M>)
  // Those that were scrolled past are kept, for what is selected may be on them, and not read again.
  const kept = seen.filter(page => !inSight.includes(page)).map(page => ({ ...asked(page), enabled: false }))
  const all = useQueries({ queries: [...inSight.map(asked), ...kept] })
  const results = all.slice(0, inSight.length)

  const stamp = results.map(({ dataUpdatedAt }) => dataUpdatedAt).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the filter, `stamp` and `reads` for the answers
  const fresh = useMemo((): Shown<M, T> | null => {
    // One that comes into sight again may be of a list that was shorter; until it is read anew, the newest of all says how long it is.
    const answers = all.toSorted((a, b) => b.dataUpdatedAt - a.dataUpdatedAt).flatMap(({ data }) => data ?? [])
    const [newest] = answers
    if (newest === undefined) return null
    const pageOf = (answer: Output<M>): ListPage<T> => ({ total: answer.total, entries: entriesOf(answer) })
    const items = placePages(pageOf(newest), page => {
      const state = queries.getQueryState(asked(page).queryKey)
      if (state?.data === undefined || (state.isInvalidated && !inSight.includes(page))) return undefined
      return pageOf(state.data)
    })
    return { answers, items }
  }, [queries, method, key, first, last, stamp, reads, entriesOf])
  const shown = useRef<Shown<M, T>>({ answers: [], items: [] })
  if (fresh !== null) shown.current = fresh

  const need = useCallback(
    (from: number, to: number) => {
      const [first, last] = [from, to].map(index => Math.floor(Math.max(0, index) / PAGE)) as [number, number]
      setSight(before => {
        if (before.key === key && before.first === first && before.last === last) return before
        const seen = before.key === key ? before.seen : []
        return { key, first, last, seen: [...new Set([...seen, ...range(first, last)])] }
      })
    },
    [key],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the filter
  const readBetween = useCallback(
    async (from: number, to: number) => {
      const pages = range(Math.floor(from / PAGE), Math.floor(to / PAGE))
      const answers: Output<M>[] = []
      for (let at = 0; at < pages.length; at += AT_ONCE) {
        if (keyNow.current !== key) throw new StatePackError('E_CANCELLED', 'Another list is looked at.')
        const some = pages.slice(at, at + AT_ONCE).map(page => queries.fetchQuery(asked(page)))
        answers.push(...(await Promise.all(some)))
      }
      if (new Set(answers.map(({ total }) => total)).size > 1) throw listChanged()
      setSight(before => (before.key === key ? { ...before, seen: [...new Set([...before.seen, ...pages])] } : before))
      setReads(n => n + 1)
      const start = from - (pages[0] ?? 0) * PAGE
      return answers.flatMap(answer => entriesOf(answer)).slice(start, start + to - from + 1)
    },
    [queries, method, key, entriesOf],
  )
  return {
    ...shown.current,
    error: results.find(({ error }) => error !== null)?.error ?? null,
    need,
    readBetween,
    reload: () => {
      for (const { refetch } of results) void refetch()
    },
  }
}
