import { type FormEvent, useState } from 'react'
import { addressIn, isStudioLink } from '#shared/domain/studioLink.ts'
import { useUi } from '../../app/uiStore.ts'
import { nameOfAddress } from '../../client/nameOfAddress.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { TextField } from '../../ui/TextField.tsx'

/** Takes a pasted address to the review sheet; a pasted link is no different from one that was opened. */
export function AddressDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const address = text.trim()
  const link = isStudioLink(address)
  const from = link ? addressIn(address) : address === '' ? null : address
  function submit(event: FormEvent): void {
    event.preventDefault()
    if (from === null) return
    useUi.getState().setImports([{ name: nameOfAddress(from), from, link, asksFirst: link }])
    setText('')
    onClose()
  }
  return (
    <Dialog
      title="Open an address"
      size="m"
      isOpen={isOpen}
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form="address" isDisabled={from === null}>
            Review
          </Button>
        </>
      }
    >
      <form id="address" onSubmit={submit}>
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
      </form>
    </Dialog>
  )
}
