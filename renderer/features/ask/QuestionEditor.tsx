import { type KeyboardEvent, useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { scrollIntoView } from '../../ui/scrollIntoView.ts'
import { TextArea } from '../../ui/TextArea.tsx'

export interface QuestionEditorProps {
  readonly question: string
  readonly onAsk: (question: string) => void
  readonly onClose: () => void
}

/** Another wording of a question that was asked: it is put to the state before it, on a branch of its own. */
export function QuestionEditor({ question, onAsk, onClose }: QuestionEditorProps) {
  const [text, setText] = useState(question)
  const canAsk = text.trim() !== ''
  const submit = () => {
    if (canAsk) onAsk(text.trim())
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault()
      submit()
    }
    if (event.key === 'Escape') onClose()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the field within
    <div ref={scrollIntoView} className="QuestionEditor" onKeyDown={onKeyDown}>
      <TextArea aria-label="Edit the question" rows={2} maxLength={20_000} value={text} onChange={setText} autoFocus />
      <div className="row">
        <span className="grow muted small">
          Asked from the state before it. What came after stays on its own branch.
        </span>
        <Button size="s" onPress={onClose}>
          Cancel
        </Button>
        <Button size="s" variant="primary" isDisabled={!canAsk} onPress={submit}>
          Ask this instead
        </Button>
      </div>
    </div>
  )
}
