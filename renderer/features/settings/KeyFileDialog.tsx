/** The signing key to or from a file, sealed with a passphrase. */
import { useState } from 'react'
import { useStudio } from '../../stores/studio.ts'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { describeError } from '../../ui/describeError.ts'
import { saveFile } from '../../ui/saveFile.ts'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'

const SHORTEST = 8

const WORDS = {
  export: { title: 'Export the signing key', action: 'Export' },
  import: { title: 'Import a signing key', action: 'Import' },
} as const

export function KeyFileDialog({
  direction,
  onClose,
}: {
  readonly direction: keyof typeof WORDS
  readonly onClose: () => void
}) {
  const { client } = useStudio()
  const [passphrase, setPassphrase] = useState('')
  const [file, setFile] = useState<File | null>(null)
  const [refused, setRefused] = useState<string>()
  const { title, action } = WORDS[direction]
  const isReady = direction === 'export' ? [...passphrase].length >= SHORTEST : file !== null && passphrase !== ''

  async function work(): Promise<void> {
    if (direction === 'export') {
      const { fileName, text } = await client.call('keys.export', { passphrase })
      saveFile(fileName, text, 'application/json')
    } else if (file !== null) {
      const { keyid } = await client.call('keys.import', { text: await file.text(), passphrase })
      toastDone('Signing key imported', `${keyid.slice(0, 16)}… signs from now on.`)
    }
  }
  /** What was typed is the usual reason, so it is said there. */
  const refuse = (thrown: unknown) => {
    setRefused(describeError(thrown).line)
    return false
  }
  return (
    <ConfirmDialog
      title={title}
      action={action}
      isReady={isReady}
      onConfirm={() => work().catch(refuse)}
      onClose={onClose}
    >
      {direction === 'import' ? (
        <label className="stack stack--tight">
          <span className="Field-label">Key file</span>
          <input
            className="KeyFile"
            type="file"
            accept="application/json,.json"
            onChange={event => setFile(event.target.files?.[0] ?? null)}
          />
        </label>
      ) : null}
      <TextField
        label="Passphrase"
        type="password"
        autoComplete="off"
        value={passphrase}
        onChange={text => {
          setPassphrase(text)
          setRefused(undefined)
        }}
        hint={
          direction === 'export'
            ? `At least ${SHORTEST} characters. Without it nobody can use the file, you included.`
            : 'The one it was exported with. The key in use now stays valid for what it signed.'
        }
        error={refused}
      />
    </ConfirmDialog>
  )
}
