import { type FormEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import { useStudio } from '../../stores/studio.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'

/** Names the state after a step and keeps it in the library. */
export function KeepDialog({ step, onClose }: { readonly step: Turn; readonly onClose: () => void }) {
  const { library } = useStudio()
  const navigate = useNavigate()
  const [name, setName] = useState(step.question.slice(0, 80))
  const keep = useTask('ask.keep')
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    const kept = await keep.run({ stepId: step.id, name: name.trim() })
    if (kept === null) return
    toastDone(`Kept as ${kept.name}`)
    library.getState().select([kept.packetId])
    onClose()
    void navigate('/library')
  }
  return (
    <Dialog
      title="Keep as a cartridge"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            type="submit"
            form="keep"
            isDisabled={name.trim() === ''}
            isPending={keep.status === 'running'}
          >
            Keep
          </Button>
        </>
      }
    >
      <form id="keep" className="stack" onSubmit={event => void submit(event)}>
        <p className="muted">
          It holds everything read and answered up to this step, and can be asked, shared and remixed on its own.
        </p>
        <TextField label="Name" value={name} onChange={setName} maxLength={200} autoFocus />
        {keep.status === 'failed' ? <ErrorPanel error={keep.error} /> : null}
      </form>
    </Dialog>
  )
}
