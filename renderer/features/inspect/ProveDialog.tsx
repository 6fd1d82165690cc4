/** Checks a cartridge at a chosen level, with progress and cancel; the result is a receipt and a badge. */
import { useState } from 'react'
import { Link } from 'react-router'
import { receiptNumber } from '#shared/domain/receipt.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useTask } from '../../stores/useTask.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatCounted, formatPercent, formatSignificant } from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Slider } from '../../ui/Slider.tsx'
import { Table } from '../../ui/Table.tsx'
import { componentTitle } from './componentTitle.ts'
import { TaskProgress } from './TaskProgress.tsx'

type Level = 'intact' | 'signed' | 'sampled' | 'recomputed'

const LEVELS: Readonly<Record<Level, string>> = {
  intact:
    'Every byte is hashed again and the parts are checked against each other. Takes milliseconds. It says that nothing changed since it was made, not that it was made honestly.',
  signed:
    'Every byte is hashed again, then the signature is checked: it must be of this installation or of a publisher trusted here. A cartridge is signed when it is exported. It says who vouches for it, not that the state is right.',
  sampled: 'Some blocks, chosen at random, are computed again from the text and compared value by value.',
  recomputed:
    'The whole text is read again and every value of the state is compared. Only this proves that the state is what its recipe says.',
}

interface ProveDialogProps {
  readonly cartridge: CartridgeSummary
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function ProveDialog({ cartridge, isOpen, onClose }: ProveDialogProps) {
  const task = useTask('packets.verify')
  const blocks = Math.max(1, Math.ceil(cartridge.tokens / 64))
  const canSample = cartridge.kind === 'kv' && blocks > 1
  const [level, setLevel] = useState<Level>('recomputed')
  const [sample, setSample] = useState(Math.min(4, blocks))
  const running = task.status === 'running'
  const start = () =>
    void task.run({
      ref: cartridge.packetId,
      level: level === 'sampled' ? 'recomputed' : level,
      ...(level === 'sampled' ? { sample } : {}),
    })
  const close = () => {
    task.cancel()
    task.reset()
    onClose()
  }
  return (
    <Dialog
      title={`Prove ${cartridge.name}`}
      isOpen={isOpen}
      onClose={close}
      size="m"
      footer={
        <>
          <Button onPress={running ? task.cancel : close}>{running ? 'Cancel' : 'Close'}</Button>
          <Button variant="primary" onPress={start} isPending={running}>
            {level === 'signed' ? 'Check the signature' : task.result === null ? 'Check now' : 'Check again'}
          </Button>
        </>
      }
    >
      <SegmentedControl<Level>
        label="How thoroughly"
        value={level}
        onChange={setLevel}
        segments={[
          { id: 'intact', label: 'Intact' },
          { id: 'signed', label: 'Signed' },
          ...(canSample ? [{ id: 'sampled' as const, label: 'Sampled' }] : []),
          { id: 'recomputed', label: 'Recomputed' },
        ]}
      />
      <p className="muted">{LEVELS[level]}</p>
      {level === 'sampled' ? (
        <Slider
          label="Blocks to compute again"
          value={sample}
          onChange={setSample}
          min={1}
          max={blocks}
          format={value =>
            `${value} of ${blocks}; one bad block is found in ${formatPercent((value / blocks) * 100)} of cases`
          }
        />
      ) : null}
      {running ? <TaskProgress progress={task.progress} fallback="Starting" /> : null}
      {task.status === 'cancelled' ? <p className="muted">Stopped. No receipt was written.</p> : null}
      {task.error === null || task.status === 'cancelled' ? null : <ErrorPanel error={task.error} />}
      {task.result === null ? null : (
        <div className="stack">
          <p className="Inspect-note" data-tone={task.result.ok ? 'ok' : 'bad'}>
            {task.result.ok ? `Passed: ${task.result.level}.` : 'Failed. Do not rely on this cartridge.'}{' '}
            {task.result.tokensProcessed > 0
              ? `${formatCounted(task.result.tokensProcessed, 'token')} read again. `
              : ''}
            {task.result.maxAbsDiff === null
              ? ''
              : `Largest difference ${formatSignificant(task.result.maxAbsDiff, 2)}. `}
            {task.result.detectionProbability === null
              ? ''
              : `One tampered block would have been found in ${formatPercent(task.result.detectionProbability * 100)} of cases. `}
            <Link className="link" to={`/receipts/${encodeURIComponent(task.result.receipt.receipt_id)}`}>
              Receipt {formatCount(receiptNumber(task.result.receipt.seq))}
            </Link>
          </p>
          <Table
            caption="Checks"
            rows={task.result.checks}
            rowKey={check => `${check.component}:${check.message}`}
            columns={[
              {
                id: 'component',
                title: 'Component',
                cell: check => componentTitle(check.component, cartridge.kind),
              },
              {
                id: 'ok',
                title: 'Result',
                cell: check => <Badge tone={check.ok ? 'ok' : 'bad'}>{check.ok ? 'equal' : 'differs'}</Badge>,
              },
              { id: 'message', title: 'What was found', cell: check => check.message },
            ]}
          />
        </div>
      )}
    </Dialog>
  )
}
