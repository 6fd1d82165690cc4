import { useState } from 'react'
import { ConfirmDialog } from './ConfirmDialog.tsx'
import { TextField } from './TextField.tsx'

export interface NameDialogProps {
  /** What is asked for, and the button that does it; default Rename. */
  readonly title?: string
  /** What it is called now; empty until that is known. */
  readonly name: string
  /** Resolves with true when the name was taken: then the dialog closes. */
  readonly onRename: (name: string) => Promise<boolean>
  readonly onClose: () => void
}

/** Asks for a name. */
export function NameDialog({ title = 'Rename', name, onRename, onClose }: NameDialogProps) {
  // What was typed, also before the old name arrived.
  const [typed, setTyped] = useState<string | null>(null)
  const wanted = (typed ?? name).trim()
  return (
    <ConfirmDialog
      title={title}
      action={title}
      isReady={wanted !== ''}
      onConfirm={() => onRename(wanted)}
      onClose={onClose}
    >
      <TextField label="Name" value={typed ?? name} onChange={setTyped} maxLength={200} autoFocus />
    </ConfirmDialog>
  )
}
