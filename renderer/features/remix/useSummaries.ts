import { useQueries } from '@tanstack/react-query'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { read } from '../../stores/read.ts'

/** The cartridges of an address; `data` is undefined until all are here. */
export function useSummaries(refs: readonly string[]): {
  readonly data: readonly CartridgeSummary[] | undefined
  readonly error: unknown
} {
  const distinct = [...new Set(refs)]
  const results = useQueries({ queries: distinct.map(ref => read('library.get', { ref })) })
  const found = refs.flatMap(ref => results[distinct.indexOf(ref)]?.data?.summary ?? [])
  return {
    data: found.length === refs.length ? found : undefined,
    error: results.find(({ error }) => error !== null)?.error ?? null,
  }
}
