import { parseDigest } from '#shared/domain/digest.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { NameDialog } from '../../ui/NameDialog.tsx'
import { useLibraryActions } from './useLibraryActions.ts'

/** Asks for a new name. The cartridge itself stays the same: a name is what people call it, not part of its bytes. */
export function RenameDialog({ packetId, onClose }: { readonly packetId: string; readonly onClose: () => void }) {
  const { data } = useQuery('library.get', { ref: packetId })
  const { update } = useLibraryActions()
  return (
    <NameDialog
      name={data?.summary.name ?? ''}
      onRename={name => update({ packetId: parseDigest(packetId), name })}
      onClose={onClose}
    />
  )
}
