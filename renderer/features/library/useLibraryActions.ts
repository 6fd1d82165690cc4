import { useMemo } from 'react'
import { parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { progressFacts } from '#shared/figures/progressFacts.ts'
import type { Input } from '#shared/rpc/client.ts'
import { useUi } from '../../app/uiStore.ts'
import { useStudio } from '../../stores/studio.ts'
import { attempt } from '../../ui/attempt.ts'
import { dotted } from '../../ui/dotted.ts'
import { figures, formatCount, formatCounted } from '../../ui/format.ts'
import { toastDone, toastError, toastNote, toastRunning, toastUndo } from '../../ui/toasts.tsx'

export interface LibraryActions {
  /** Deletes and offers to undo; says so when it fails. */
  readonly remove: (packetIds: readonly string[]) => Promise<boolean>
  readonly update: (change: Input<'library.update'>) => Promise<boolean>
  readonly trust: (packetId: string) => Promise<boolean>
  /** Reads its text again and compares, beside whatever else one does; says how it ended. */
  readonly verify: (packetId: string) => Promise<void>
  /** Asks for another name. */
  readonly rename: (packetId: string) => void
  /** Shows what the `.cartridge` files would give away, before any is written. */
  readonly save: (packetIds: readonly string[]) => void
}

/** What one does to cartridges as a whole. Failures are shown here, callers need not catch. */
export function useLibraryActions(): LibraryActions {
  const { client, library } = useStudio()
  return useMemo(
    () => ({
      remove: packetIds =>
        attempt(async () => {
          const ids = packetIds.map(parseDigest)
          const { deleted } = await client.call('library.delete', { packetIds: ids })
          library.getState().select(library.getState().selected.filter(id => !packetIds.includes(id)))
          toastUndo(
            deleted === 1 ? 'Deleted a cartridge' : `Deleted ${formatCounted(deleted, 'cartridge')}`,
            () => void attempt(() => client.call('library.restore', { packetIds: ids })),
          )
        }),
      update: change => attempt(() => client.call('library.update', change)),
      trust: packetId =>
        attempt(async () => {
          const item = await client.call('library.trust', { packetId: parseDigest(packetId) })
          toastDone('Trusted', `${item.name} can be run now.`)
        }),
      verify: async packetId => {
        const abort = new AbortController()
        const running = toastRunning('Verifying by recomputing', () => abort.abort())
        try {
          const { ok, unprovenTokens } = await client.call(
            'packets.verify',
            { ref: packetId, level: 'recomputed' },
            {
              signal: abort.signal,
              onProgress: progress => running.tell(dotted(...progressFacts(progress, figures))),
            },
          )
          if (!ok) toastError(new StatePackError('E_NOT_RECOMPUTED', ''))
          else if (unprovenTokens === 0) toastDone('Recomputed', 'Reading its text again gave the same state.')
          else
            toastNote(
              'Recomputed, not proven',
              `${formatCount(unprovenTokens)} of its tokens are said to be the model's own words, and it would not say them by itself. Read them before you trust it.`,
            )
        } catch (error) {
          toastError(error)
        } finally {
          running.end()
        }
      },
      rename: packetId => useUi.getState().setRenaming({ packetId: parseDigest(packetId), stack: null }),
      save: packetIds => useUi.getState().setExports(packetIds),
    }),
    [client, library],
  )
}
