import type { Collection } from '#shared/rpc/methods/collections.ts'
import type { CollectionRow } from '../store/library/collectionRows.ts'
import type { Store } from '../store/store.ts'

/** A collection as callers see it. */
export function collectionView({ index }: Pick<Store, 'index'>, row: CollectionRow): Collection {
  const { id, name, packetIds, createdAt } = row
  return {
    ...{ id, name, packetIds: [...packetIds], createdAt: new Date(createdAt).toISOString() },
    ...index.sizes(packetIds),
  }
}
