import { useState } from 'react'
import { type Candidate, cartridgeInput } from '../../client/cartridgeInput.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../ui/describeError.ts'
import { TextField } from '../../ui/TextField.tsx'

/** A question to what is not imported: its state answers once, and nothing of it is kept. `from`: what was reviewed, of an offer. */
export function TryQuestion({
  file,
  from,
  lenient,
}: {
  readonly file: Candidate
  readonly from: string | null
  readonly lenient: boolean
}) {
  const [question, setQuestion] = useState('')
  const { run, cancel, status, result, error } = useTask('packets.try')
  return (
    <form
      className="stack stack--tight"
      onSubmit={event => {
        event.preventDefault()
        const { input, upload } = cartridgeInput(file)
        void run({ ...input, ...(from === null ? {} : { from }), lenient, question }, upload)
      }}
    >
      <TextField
        label="Try a question"
        hint="Answered once by its state. Nothing of it is kept."
        value={question}
        onChange={setQuestion}
        maxLength={4000}
        error={status === 'failed' ? describeError(error).line : undefined}
        after={
          status === 'running' ? (
            <Button onPress={cancel}>Cancel</Button>
          ) : (
            <Button type="submit" isDisabled={question.trim() === ''}>
              Ask
            </Button>
          )
        }
      />
      {result === null ? null : <p role="status">{result.answer === '' ? 'It says nothing.' : result.answer}</p>}
    </form>
  )
}
