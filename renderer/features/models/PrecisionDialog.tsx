import { useState } from 'react'
import type { Output } from '#shared/rpc/client.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatCounted, formatPercent, formatSignificant, formatUnit } from '../../ui/format.ts'
import { Select } from '../../ui/Select.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { asPrecision, PRECISIONS, type Precision } from './precisionText.ts'

/** Chooses how a model's weights are held, and shows what that was measured to change. Closing stops the conversion. */
export function PrecisionDialog({ model, onClose }: { readonly model: ModelView; readonly onClose: () => void }) {
  const task = useTask('models.setPrecision')
  const [chosen, setChosen] = useState<Precision | null>(asPrecision(model.precision))
  const running = task.status === 'running'
  const now = task.result?.model.precision ?? model.precision
  const close = () => {
    task.cancel()
    onClose()
  }
  return (
    <Dialog
      title={`Precision of ${model.name}`}
      size="m"
      isOpen
      onClose={close}
      footer={
        <>
          <Button onPress={running ? task.cancel : close}>{running ? 'Cancel' : 'Close'}</Button>
          <Button
            variant="primary"
            isDisabled={chosen === null || chosen === now}
            isPending={running}
            onPress={() => {
              if (chosen !== null) void task.run({ id: model.id, precision: chosen })
            }}
          >
            {chosen === null ? 'Use' : chosen === now ? `Runs in ${now}` : `Use ${chosen}`}
          </Button>
        </>
      }
    >
      <p className="muted">
        Smaller numbers take less memory and change what the model computes a little. The weights are converted once and
        kept; the effect is measured on a page of text.
      </p>
      <Select
        label="Precision"
        options={PRECISIONS}
        value={chosen}
        onChange={setChosen}
        isDisabled={running}
        hint="A cartridge belongs to the precision it was made at: it waits until the model runs in that one again."
      />
      {running ? <TaskProgress progress={task.progress} fallback="Opening the weights" /> : null}
      {task.status === 'cancelled' ? <p className="muted">Stopped. The model runs as before.</p> : null}
      {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
      {task.result === null ? null : <Effect result={task.result} />}
    </Dialog>
  )
}

function Effect({ result: { model, effect, notMeasured } }: { readonly result: Output<'models.setPrecision'> }) {
  return (
    <section className="stack stack--tight" aria-live="polite">
      <p>
        <b>{model.name}</b> runs in <b>{model.precision}</b> now.
      </p>
      {effect === null ? (
        <p className="muted">The effect was not measured. {notMeasured}</p>
      ) : (
        <Facts
          caption="Measured against float32"
          facts={[
            { label: 'Same most likely token', value: formatPercent(effect.top1Agreement * 100) },
            { label: 'KL divergence, mean', value: formatUnit(formatSignificant(effect.meanKl, 3), 'bits') },
            { label: 'Largest logit difference', value: formatSignificant(effect.maxLogitDifference, 3) },
            { label: 'Measured on', value: `${formatCounted(effect.tokens, 'token')}, against float32` },
          ]}
        />
      )}
    </section>
  )
}
