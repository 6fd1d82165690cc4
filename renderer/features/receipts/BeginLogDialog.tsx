import { useClient } from '../../stores/studio.ts'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { toastDone } from '../../ui/toasts.tsx'

/** Closes a log that does not hold. The old one is kept as it is; the new one's first receipt says where it ended. */
export function BeginLogDialog(props: { readonly onClose: () => void; readonly onBegun: () => void }) {
  const client = useClient()
  const begin = async () => {
    const begun = await client.call('receipts.begin', {})
    toastDone('A new log was begun', `The old one is in ${begun.aside}`)
    props.onBegun()
  }
  return (
    <ConfirmDialog title="Begin a new log" action="Begin a new log" onConfirm={begin} onClose={props.onClose}>
      <p>
        Nothing can be added to a log that was changed from outside. It stays beside the new one, exactly as it is, and
        the first receipt of the new one signs how many of its receipts held and which was the last of them.
      </p>
    </ConfirmDialog>
  )
}
