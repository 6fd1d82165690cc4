import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { TextArea } from '../../ui/TextArea.tsx'

export interface SystemPromptProps {
  readonly system: string
  /** The model was asked already: what stands at the beginning stays. */
  readonly fixed: boolean
  readonly onChange: (system: string) => void
}

/** What the bare model is told before the first question. A cartridge brings its own, which it has read. */
export function SystemPrompt({ system, fixed, onChange }: SystemPromptProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const close = () => setTyped(null)
  return (
    <>
      <Button size="s" variant="quiet" onPress={() => setTyped(system)}>
        {system === '' ? 'System prompt' : 'System prompt: on'}
      </Button>
      <Dialog
        title="System prompt"
        size="m"
        isOpen={typed !== null}
        onClose={close}
        footer={
          <>
            <Button onPress={close}>{fixed ? 'Close' : 'Cancel'}</Button>
            {fixed ? null : (
              <Button
                variant="primary"
                onPress={() => {
                  onChange((typed ?? '').trim())
                  close()
                }}
              >
                Save
              </Button>
            )}
          </>
        }
      >
        <TextArea
          label="What the model is told first"
          rows={6}
          maxLength={20_000}
          value={typed ?? ''}
          onChange={setTyped}
          isReadOnly={fixed}
          autoFocus
          hint={
            fixed
              ? 'The model has read it already. Begin a new conversation to change it.'
              : 'It stands before the first question. A cartridge brings the one that it was made with.'
          }
        />
      </Dialog>
    </>
  )
}
