import { FolderPlus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../ui/describeError.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastError } from '../../ui/toasts.tsx'

/** The folders in which models are looked for. */
export function ModelFolders({
  folders,
  onChange,
}: {
  readonly folders: readonly string[]
  readonly onChange: (folders: string[]) => Promise<void>
}) {
  const [draft, setDraft] = useState('')
  const [refused, setRefused] = useState<string | null>(null)
  const add = () => {
    const folder = draft.trim()
    if (folder === '' || folders.includes(folder)) return
    onChange([...folders, folder]).then(
      () => setDraft(''),
      thrown => setRefused(describeError(thrown).line),
    )
  }
  return (
    <div className="SettingRow SettingRow--tall">
      <div>
        <b>Model folders</b>
        <p className="small muted">
          Every model in them is offered. A folder on a drive that is not there marks its models offline.
        </p>
      </div>
      <ul className="Folders">
        {folders.map(folder => (
          <li key={folder}>
            <span className="mono truncate">{folder}</span>
            <IconButton
              label={`Remove ${folder}`}
              onPress={() => void onChange(folders.filter(other => other !== folder)).catch(toastError)}
            >
              <Trash2 aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <form
        className="Folders-add"
        onSubmit={event => {
          event.preventDefault()
          add()
        }}
      >
        <TextField
          aria-label="Another model folder"
          mono
          placeholder="/path/to/models"
          value={draft}
          onChange={text => {
            setDraft(text)
            setRefused(null)
          }}
          error={refused ?? undefined}
        />
        <Button type="submit" icon={<FolderPlus aria-hidden />} isDisabled={draft.trim() === ''}>
          Add
        </Button>
      </form>
    </div>
  )
}
