import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone, toastError } from '../../ui/toasts.tsx'

/** An {@link AddressRow} for a web address. */
export function Endpoint({
  endpoint,
  ...row
}: {
  readonly title: string
  readonly hint: string
  readonly endpoint: string
  readonly onChange: (endpoint: string) => Promise<unknown>
}) {
  const problem = (text: string) =>
    URL.canParse(text) && /^https?:/.test(text) ? undefined : 'Enter a full address, with https://.'
  return <AddressRow {...row} label={`Address of the ${row.title.toLowerCase()}`} value={endpoint} problem={problem} />
}

/** A line of text that is kept when it is saved. */
export function AddressRow({
  title,
  hint,
  label,
  value,
  problem = () => undefined,
  onChange,
}: {
  readonly title: string
  readonly hint: string
  readonly label: string
  readonly value: string
  /** What is wrong with a text, before anybody is asked. */
  readonly problem?: (text: string) => string | undefined
  readonly onChange: (text: string) => Promise<unknown>
}) {
  const [draft, setDraft] = useState<string | null>(null)
  const text = draft ?? value
  const wrong = problem(text)
  const save = async () => {
    await onChange(text)
    setDraft(null)
    toastDone('Saved', text.trim() === '' ? `${title}: none.` : `${title}: ${text.trim()}.`)
  }
  return (
    <div className="SettingRow">
      <div>
        <b>{title}</b>
        <p className="small muted">{hint}</p>
      </div>
      <form
        className="Folders-add SettingRow-control"
        onSubmit={event => {
          event.preventDefault()
          if (wrong === undefined) save().catch(toastError)
        }}
      >
        <TextField aria-label={label} mono value={text} onChange={setDraft} error={wrong} />
        <Button type="submit" isDisabled={wrong !== undefined || text === value}>
          Save
        </Button>
      </form>
    </div>
  )
}
