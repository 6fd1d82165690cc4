import type { LibraryItem } from '../../stores/libraryStore.ts'
import { useRead } from '../../stores/useRead.ts'
import { NameDialog } from '../../ui/NameDialog.tsx'
import { useCollectionActions } from './useCollectionActions.ts'
import { useLibraryActions } from './useLibraryActions.ts'

/**
 * Asks for a new name of a cartridge or a collection. The cartridge itself stays the same: a name is what people call it, not part
 * of its bytes.
 */
export function RenameDialog({
  item: { packetId, stack },
  onClose,
}: {
  readonly item: Pick<LibraryItem, 'packetId' | 'stack'>
  readonly onClose: () => void
}) {
  const { data } = useRead('library.get', stack === null ? { ref: packetId } : null)
  const { update } = useLibraryActions()
  const { rename } = useCollectionActions()
  return (
    <NameDialog
      name={stack?.name ?? data?.summary.name ?? ''}
      onRename={name => (stack === null ? update({ packetId, name }) : rename(stack.id, name))}
      onClose={onClose}
    />
  )
}
