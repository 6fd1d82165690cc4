import type { Collection } from '#shared/rpc/methods/collections.ts'
import type { CollectionRow } from '../store/library/collectionRows.ts'

/** A collection as callers see it. */
export function collectionView({ createdAt, packetIds, ...row }: CollectionRow): Collection {
  return { ...row, packetIds: [...packetIds], createdAt: new Date(createdAt).toISOString() }
}
