import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { Input, Output } from '#shared/rpc/client.ts'
import { byIdentity } from './byIdentity.ts'
import { read } from './read.ts'
import type { ReadMethod } from './reads.ts'

export interface ReadOptions {
  /** While another input is read, the answer to the last one stays on screen. */
  readonly keepsLast?: boolean
  /** Nothing is shown that was read for an earlier view: what is done with an answer would go wrong with an older one. */
  readonly afresh?: boolean
  /** The input is long; it keeps its identity while it is the same. */
  readonly byIdentity?: boolean
}

/**
 * What the engine says to `method`, from the cache that all views share, followed while it changes in whichever window. `input`
 * null: nothing to read yet. For reads only; what changes something is a useTask.
 */
export function useRead<M extends ReadMethod>(
  method: M,
  input: Input<M> | null,
  options: ReadOptions = {},
): UseQueryResult<Output<M>> {
  return useQuery<Output<M>>({
    ...(input === null ? { queryKey: [method, null], enabled: false } : read(method, input)),
    ...(options.keepsLast && input !== null ? { placeholderData: keepPreviousData } : {}),
    ...(options.afresh ? { gcTime: 0 } : {}),
    ...(options.byIdentity ? { queryKeyHashFn: byIdentity } : {}),
  })
}
