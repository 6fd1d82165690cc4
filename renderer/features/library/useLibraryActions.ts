import { useMemo } from 'react'
import { parseDigest } from '#shared/domain/digest.ts'
import type { Input } from '#shared/rpc/client.ts'
import { useUi } from '../../app/uiStore.ts'
import { useStudio } from '../../stores/studio.ts'
import { toastDone, toastError, toastUndo } from '../../ui/toasts.tsx'

export interface LibraryActions {
  /** Deletes and offers to undo; says so when it fails. */
  readonly remove: (packetIds: readonly string[]) => Promise<void>
  readonly update: (change: Input<'library.update'>) => Promise<boolean>
  readonly trust: (packetId: string) => Promise<void>
  /** Shows what the `.cartridge` files would give away, before any is written. */
  readonly save: (packetIds: readonly string[]) => void
}

/** What one does to cartridges as a whole. Failures are shown here, callers need not catch. */
export function useLibraryActions(): LibraryActions {
  const { client, library } = useStudio()
  return useMemo(
    () => ({
      remove: async packetIds => {
        const ids = packetIds.map(parseDigest)
        try {
          const { deleted } = await client.call('library.delete', { packetIds: ids })
          library.getState().select(library.getState().selected.filter(id => !packetIds.includes(id)))
          toastUndo(deleted === 1 ? 'Deleted a cartridge' : `Deleted ${deleted} cartridges`, () => {
            client.call('library.restore', { packetIds: ids }).catch(toastError)
          })
        } catch (error) {
          toastError(error)
        }
      },
      update: async change => {
        try {
          await client.call('library.update', change)
          return true
        } catch (error) {
          toastError(error)
          return false
        }
      },
      trust: async packetId => {
        try {
          const item = await client.call('library.trust', { packetId: parseDigest(packetId) })
          toastDone('Trusted', `${item.name} can be run now.`)
        } catch (error) {
          toastError(error)
        }
      },
      save: packetIds => useUi.getState().setExports(packetIds),
    }),
    [client, library],
  )
}
