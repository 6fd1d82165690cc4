import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { TextField } from '../ui/TextField.tsx'

/** The key in an address of the Studio, or the key itself; null when there is none in the text. */
function keyIn(text: string): string | null {
  return /(?:^|[?#&]token=)([A-Za-z0-9_-]{20,100})$/.exec(text.trim())?.[1] ?? null
}

/** Instead of every page, when this window has no key to its engine, or an old one: why, and the way in. */
export function SignedOut() {
  const [text, setText] = useState('')
  const key = keyIn(text)
  return (
    <main className="SignedOut">
      <EmptyState icon={<KeyRound />} title="This address needs its key">
        The Studio answers only windows that it let in. The address it printed when it started ends in{' '}
        <code>?token=…</code>, and the key changes with every start. Paste that address here, or start the Studio again
        with <code>npm start</code>.
      </EmptyState>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (key === null) return
          location.hash = `#/?token=${key}`
          location.reload()
        }}
      >
        <TextField
          label="The whole address, or its key"
          mono
          autoFocus
          autoComplete="off"
          value={text}
          onChange={setText}
          error={text === '' || key !== null ? undefined : 'There is no key in this.'}
        />
        <Button type="submit" variant="primary" isDisabled={key === null}>
          Open the Studio
        </Button>
      </form>
    </main>
  )
}
