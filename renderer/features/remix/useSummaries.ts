import { useEffect, useState } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useClient } from '../../stores/studio.ts'

/** The cartridges of an address, read once; `data` is null until all are here. */
export function useSummaries(refs: readonly string[]): {
  readonly data: readonly CartridgeSummary[] | null
  readonly error: unknown
} {
  const client = useClient()
  const key = refs.join()
  const [read, setRead] = useState<{ key: string; data: readonly CartridgeSummary[] | null; error: unknown } | null>(
    null,
  )
  useEffect(() => {
    const abort = new AbortController()
    const ids = key === '' ? [] : key.split(',')
    Promise.all(ids.map(ref => client.call('library.get', { ref }, { signal: abort.signal }))).then(
      found => !abort.signal.aborted && setRead({ key, data: found.map(({ summary }) => summary), error: null }),
      error => !abort.signal.aborted && setRead({ key, data: null, error }),
    )
    return () => abort.abort()
  }, [client, key])
  // Of the address before: not yet read.
  return read?.key === key ? read : { data: null, error: null }
}
