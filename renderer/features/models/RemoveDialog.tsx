import type { ModelView } from '#shared/rpc/methods/views.ts'
import { useClient } from '../../stores/studio.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Switch } from '../../ui/Switch.tsx'
import { toastDone, toastError } from '../../ui/toasts.tsx'

/** Asks before a model leaves the list. Only what the app downloaded is deleted; a folder of one's own stays as it is. */
export function RemoveDialog({ model, onClose }: { readonly model: ModelView; readonly onClose: () => void }) {
  const client = useClient()
  const remove = async () => {
    onClose()
    try {
      await client.call('models.remove', { id: model.id, deleteFiles: model.downloaded })
      toastDone(`${model.name} removed`, model.downloaded ? 'Its files were deleted.' : 'Its folder was left as it is.')
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <Dialog
      title={`Remove ${model.name}?`}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>Keep it</Button>
          <Button variant="danger" onPress={() => void remove()}>
            Remove
          </Button>
        </>
      }
    >
      <p>Cartridges made with it stay in the library and can be inspected; they run again once the model is back.</p>
      {model.downloaded ? (
        <Switch isSelected isDisabled onChange={() => {}}>
          Delete its downloaded files ({formatBytes(model.weightsBytes)})
        </Switch>
      ) : (
        <p className="muted">Its folder stays on the disk as it is.</p>
      )}
    </Dialog>
  )
}
