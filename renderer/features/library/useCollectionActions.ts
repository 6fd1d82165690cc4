import { useMemo } from 'react'
import { parseDigest } from '#shared/domain/digest.ts'
import type { Collection } from '#shared/rpc/methods/collections.ts'
import { useClient } from '../../stores/studio.ts'
import { toastError, toastUndo } from '../../ui/toasts.tsx'

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
    async function did(work: () => Promise<unknown>): Promise<boolean> {
      try {
        await work()
        return true
      } catch (error) {
        toastError(error)
        return false
      }
    }
    const dissolve = (id: string) => client.call('collections.dissolve', { id })
    return {
      make: (name, packetIds) =>
        did(async () => {
          const id = crypto.randomUUID()
          await client.call('collections.save', { id, name, packetIds: packetIds.map(parseDigest) })
          toastUndo(`Made the collection ${name}`, () => void did(() => dissolve(id)))
        }),
      rename: (id, name) => did(() => client.call('collections.save', { id, name })),
      dissolve: ({ id, name, packetIds }) =>
        did(async () => {
          await dissolve(id)
          const back = { id, name, packetIds: [...packetIds] }
          toastUndo(`Dissolved ${name}`, () => void did(() => client.call('collections.save', back)))
        }),
    }
  }, [client])
}
