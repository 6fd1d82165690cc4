import { queryOptions } from '@tanstack/react-query'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { ReadMethod } from './reads.ts'

/** Asks the cache for one answer of the engine, in the form that TanStack Query takes everywhere. */
export function read<M extends ReadMethod>(method: M, input: Input<M>) {
  return queryOptions<Output<M>>({ queryKey: [method, input] })
}
