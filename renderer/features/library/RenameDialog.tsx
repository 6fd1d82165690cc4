import { type FormEvent, useState } from 'react'
import { parseDigest } from '#shared/domain/digest.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { useLibraryActions } from './useLibraryActions.ts'

/** Asks for a new name. The cartridge itself stays the same: a name is what people call it, not part of its bytes. */
export function RenameDialog({ packetId, onClose }: { readonly packetId: string; readonly onClose: () => void }) {
  const { data } = useQuery('library.get', { ref: packetId })
  const { update } = useLibraryActions()
  // What was typed, also before the old name arrived.
  const [typed, setTyped] = useState<string | null>(null)
  const name = typed ?? data?.summary.name ?? ''

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (name.trim() !== '' && (await update({ packetId: parseDigest(packetId), name: name.trim() }))) onClose()
  }
  return (
    <Dialog
      title="Rename"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form="rename" isDisabled={name.trim() === ''}>
            Rename
          </Button>
        </>
      }
    >
      <form id="rename" onSubmit={event => void submit(event)}>
        <TextField label="Name" value={name} onChange={setTyped} maxLength={200} autoFocus />
      </form>
    </Dialog>
  )
}
