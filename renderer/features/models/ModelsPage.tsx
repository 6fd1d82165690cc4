/** Models: what is installed, with measured figures, and what can be had. */
import { FolderPlus } from 'lucide-react'
import { useState } from 'react'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { Page } from '../../app/Page.tsx'
import { useUi } from '../../app/uiStore.ts'
import { useRead } from '../../stores/useRead.ts'
import { useChangeSettings, useSettings } from '../../stores/useSettings.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { toastError } from '../../ui/toasts.tsx'
import { AddModelDialog } from './AddModelDialog.tsx'
import { Catalogue } from './Catalogue.tsx'
import { ModelCard } from './ModelCard.tsx'
import { PrecisionDialog } from './PrecisionDialog.tsx'
import { RemoveDialog } from './RemoveDialog.tsx'
import './models.css'

export function ModelsPage() {
  const change = useChangeSettings()
  const read = useRead('models.list', {})
  const defaultModel = useSettings()?.defaultModel
  const { model: adding, setModel: setAdding } = useUi()
  const [removing, setRemoving] = useState<ModelView | null>(null)
  const [rescaling, setRescaling] = useState<string | null>(null)

  const models = read.data?.models ?? []
  const rescaled = models.find(model => model.id === rescaling)

  return (
    <Page
      title="Models"
      actions={
        <Button variant="primary" icon={<FolderPlus aria-hidden />} onPress={() => setAdding('')}>
          Add a model
        </Button>
      }
    >
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      <section aria-label="Installed models" className="Models">
        {models.map(model => (
          <ModelCard
            key={model.id}
            model={model}
            isDefault={model.id === defaultModel}
            onDefault={() => void change({ defaultModel: model.id }).catch(toastError)}
            inAFolder={!model.downloaded && read.data?.folders.includes(model.folder) === false}
            onPrecision={() => setRescaling(model.id)}
            onRemove={() => setRemoving(model)}
          />
        ))}
      </section>
      <p className="small muted">
        The starter models answer short questions about what they have just read, and say that they do not know
        otherwise. They are not chat models; the catalogue has some.
      </p>
      <Catalogue />
      {adding === null ? null : <AddModelDialog key={adding} path={adding} onClose={() => setAdding(null)} />}
      {removing === null ? null : <RemoveDialog model={removing} onClose={() => setRemoving(null)} />}
      {rescaled === undefined ? null : (
        <PrecisionDialog key={rescaled.id} model={rescaled} onClose={() => setRescaling(null)} />
      )}
    </Page>
  )
}
