import { useMemo } from 'react'
import { parseDigest } from '#shared/domain/digest.ts'
import type { Collection } from '#shared/rpc/methods/collections.ts'
import { useClient } from '../../stores/studio.ts'
import { attempt } from '../../ui/attempt.ts'
import { toastUndo } from '../../ui/toasts.tsx'

export interface CollectionActions {
  /** False when it was refused, which was said. */
  readonly make: (name: string, packetIds: readonly string[]) => Promise<boolean>
  readonly rename: (id: string, name: string) => Promise<boolean>
  /** Its cartridges stay; offers to undo. */
  readonly dissolve: (collection: Pick<Collection, 'id' | 'name' | 'packetIds'>) => Promise<boolean>
}

/** What one does to collections as a whole. Failures are shown here, callers need not catch. */
export function useCollectionActions(): CollectionActions {
  const client = useClient()
  return useMemo(() => {
    const dissolve = (id: string) => client.call('collections.dissolve', { id })
    return {
      make: (name, packetIds) =>
        attempt(async () => {
          const id = crypto.randomUUID()
          await client.call('collections.save', { id, name, packetIds: packetIds.map(parseDigest) })
          toastUndo(`Made the collection ${name}`, () => void attempt(() => dissolve(id)))
        }),
      rename: (id, name) => attempt(() => client.call('collections.save', { id, name })),
      dissolve: ({ id, name, packetIds }) =>
        attempt(async () => {
          await dissolve(id)
          const back = { id, name, packetIds: [...packetIds] }
          toastUndo(`Dissolved ${name}`, () => void attempt(() => client.call('collections.save', back)))
        }),
    }
  }, [client])
}
