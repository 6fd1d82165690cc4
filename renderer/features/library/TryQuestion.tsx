import { useState } from 'react'
import { type ChosenFile, cartridgeInput } from '../../client/cartridgeInput.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../ui/describeError.ts'
import { TextField } from '../../ui/TextField.tsx'

/** A question to a file that is not imported: its state answers once, and nothing of it is kept. */
export function TryQuestion({ file, lenient }: { readonly file: ChosenFile; readonly lenient: boolean }) {
  const [question, setQuestion] = useState('')
  const { run, cancel, status, result, error } = useTask('packets.try')
  return (
    <form
      className="stack stack--tight"
      onSubmit={event => {
        event.preventDefault()
        const { path, upload } = cartridgeInput(file)
        void run({ path, lenient, question }, upload)
      }}
    >
      <TextField
        label="Try a question"
        hint="Answered once by the state in the file. Nothing of it is kept."
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
