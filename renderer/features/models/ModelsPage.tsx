/** Models: what is installed, with measured figures, and what can be had. */
import { FolderPlus } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { Page } from '../../app/Page.tsx'
import { useStudio } from '../../stores/studio.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { toastDone, toastError } from '../../ui/toasts.tsx'
import { AddFolderDialog } from './AddFolderDialog.tsx'
import { Catalogue } from './Catalogue.tsx'
import { ModelCard } from './ModelCard.tsx'
import './models.css'

export function ModelsPage() {
  const { client, settings } = useStudio()
  const read = useQuery('models.list', {}, ['models.changed'])
  const defaultModel = useStore(settings, state => state.settings?.defaultModel)
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<ModelView | null>(null)
  const [deleteFiles, setDeleteFiles] = useState(false)

  const remove = async () => {
    if (removing === null) return
    setRemoving(null)
    try {
      await client.call('models.remove', { id: removing.id, deleteFiles })
      toastDone(
        `${removing.name} removed`,
        deleteFiles ? 'Its files were deleted.' : 'Its files are still on the disk.',
      )
      read.reload()
    } catch (error) {
      toastError(error)
    }
  }

  return (
    <Page
      title="Models"
      actions={
        <Button variant="primary" icon={<FolderPlus aria-hidden />} onPress={() => setAdding(true)}>
          Add a folder
        </Button>
      }
    >
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: read.reload }} />
      )}
      <section aria-label="Installed models" className="Models">
        {(read.data?.models ?? []).map(model => (
          <ModelCard
            key={model.id}
            model={model}
            isDefault={model.id === defaultModel}
            onDefault={() => void settings.getState().change({ defaultModel: model.id }).catch(toastError)}
            onRemove={() => {
              setDeleteFiles(false)
              setRemoving(model)
            }}
          />
        ))}
      </section>
      <p className="small muted">
        The starter models answer short questions about what they have just read, and say that they do not know
        otherwise. They are not chat models; the catalogue has some.
      </p>
      <Catalogue />
      <AddFolderDialog isOpen={adding} onClose={() => setAdding(false)} />
      <Dialog
        title={`Remove ${removing?.name ?? ''}?`}
        isOpen={removing !== null}
        onClose={() => setRemoving(null)}
        footer={
          <>
            <Button onPress={() => setRemoving(null)}>Keep it</Button>
            <Button variant="danger" onPress={() => void remove()}>
              Remove
            </Button>
          </>
        }
      >
        <p>Cartridges made with it stay in the library and can be inspected; they run again once the model is back.</p>
        <Switch isSelected={deleteFiles} onChange={setDeleteFiles}>
          Delete its downloaded files too
        </Switch>
      </Dialog>
    </Page>
  )
}
