import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { toastDone } from '../../ui/toasts.tsx'

/** Closes a log that does not hold. The old one is kept as it is; the new one's first receipt says where it ended. */
export function BeginLogDialog(props: { readonly onClose: () => void; readonly onBegun: () => void }) {
  const task = useTask('receipts.begin')
  const begin = async () => {
    const begun = await task.run({})
    if (begun === null) return
    toastDone('A new log was begun', `The old one is in ${begun.aside}`)
    props.onBegun()
    props.onClose()
  }
  return (
    <Dialog
      title="Begin a new log"
      isOpen
      onClose={props.onClose}
      footer={
        <>
          <Button onPress={props.onClose}>Cancel</Button>
          <Button variant="primary" isPending={task.status === 'running'} onPress={() => void begin()}>
            Begin a new log
          </Button>
        </>
      }
    >
      <p>
        Nothing can be added to a log that was changed from outside. It stays beside the new one, exactly as it is, and
        the first receipt of the new one signs how many of its receipts held and which was the last of them.
      </p>
      {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
    </Dialog>
  )
}
