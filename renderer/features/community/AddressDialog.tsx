import { useState } from 'react'
import { addressIn, isStudioLink } from '#shared/domain/studioLink.ts'
import { useUi } from '../../app/uiStore.ts'
import { nameOfAddress } from '../../client/nameOfAddress.ts'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { TextField } from '../../ui/TextField.tsx'

/** Takes a pasted address to the review sheet; a pasted link is no different from one that was opened. */
export function AddressDialog({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const address = text.trim()
  const link = isStudioLink(address)
  const from = link ? addressIn(address) : address === '' ? null : address
  const review = () => {
    if (from !== null) useUi.getState().setImports([{ name: nameOfAddress(from), from, link, asksFirst: link }])
  }
  return (
    <ConfirmDialog
      title="Open an address"
      action="Review"
      size="m"
      isReady={from !== null}
      onConfirm={review}
      onClose={onClose}
    >
      <TextField
        label="Address"
        mono
        autoFocus
        placeholder="hf://you/handbook"
        value={text}
        onChange={setText}
        error={link && from === null ? 'This link names no address that can be opened.' : undefined}
        hint="In a registry (ghcr.io/you/handbook:v1), on the hub (hf://you/handbook), a .cartridge file on the internet, or a statepack:// link. It is reviewed before anything enters your library."
      />
    </ConfirmDialog>
  )
}
