import type { ModelView } from '#shared/rpc/methods/views.ts'
import { useClient } from '../../stores/studio.ts'
import { ConfirmDialog } from '../../ui/ConfirmDialog.tsx'
import { formatBytes } from '../../ui/format.ts'
import { toastDone } from '../../ui/toasts.tsx'

/** Asks before a model leaves the list. Only what the app downloaded is deleted; a folder of one's own stays as it is. */
export function RemoveDialog({ model, onClose }: { readonly model: ModelView; readonly onClose: () => void }) {
  const client = useClient()
  const remove = async () => {
    await client.call('models.remove', { id: model.id, deleteFiles: model.downloaded })
    toastDone(`${model.name} removed`, model.downloaded ? 'Its files were deleted.' : 'Its folder was left as it is.')
  }
  return (
    <ConfirmDialog
      title={`Remove ${model.name}?`}
      action="Remove"
      cancel="Keep it"
      danger
      onConfirm={remove}
      onClose={onClose}
    >
      <p>Cartridges made with it stay in the library and can be inspected; they run again once the model is back.</p>
      <p className="muted">
        {model.downloaded
          ? `Its downloaded files (${formatBytes(model.weightsBytes)}) are deleted.`
          : 'Its folder stays on the disk as it is.'}
      </p>
    </ConfirmDialog>
  )
}
