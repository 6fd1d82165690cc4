/** One receipt opened: its ids, its figures, the signed statement as it stands in the log, and a way to run it again. */

import { RotateCcw } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { receiptNumber } from '#shared/domain/receipt.ts'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { type Fact, Facts } from '../../ui/Facts.tsx'
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMoment,
  formatPercent,
  formatSaving,
  formatSeconds,
  shortDigest,
} from '../../ui/format.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { TraceButton } from '../trace/TraceButton.tsx'
import { titleOf } from './describeReceipt.ts'
import type { ChainProblem } from './Timeline.tsx'

function digestFact(label: string, digest: string | null): readonly Fact[] {
  if (digest === null) return []
  return [
    {
      label,
      value: (
        <span className="row">
          <span className="mono">{shortDigest(digest)}</span>
          <CopyButton text={digest} label={`Copy ${label.toLowerCase()}`} />
        </span>
      ),
    },
  ]
}

interface ReceiptDetailsProps {
  readonly id: string
  /** The break of the chain as far as it is known; shown when it is this receipt. */
  readonly problem: ChainProblem | null
}

export function ReceiptDetails({ id, problem }: ReceiptDetailsProps) {
  const read = useRead('receipts.get', { id })
  const replay = useTask('receipts.replay')
  const [source, setSource] = useState<'statement' | 'inclusion'>('statement')
  if (read.error !== null)
    return <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
  if (read.data === undefined) return <p className="muted">Reading the receipt …</p>
  const { receipt, keyId, name } = read.data
  const { tokens } = receipt
  const reason = problem?.index === receipt.seq ? problem.reason : null
  return (
    <div className="stack">
      <header className="row wrap">
        <h2>{titleOf(receipt)}</h2>
        <Badge tone={receipt.ok ? 'ok' : 'bad'}>{receipt.ok ? 'ok' : 'failed'}</Badge>
        <span className="muted small">{dotted(receipt.op, `receipt ${formatCount(receiptNumber(receipt.seq))}`)}</span>
      </header>
      {reason === null ? null : (
        <p className="Receipts-note" data-tone="bad" role="alert">
          The chain breaks at this receipt. {reason}
        </p>
      )}
      <Facts
        caption="Receipt"
        facts={[
          { label: 'Signed', value: formatMoment(receipt.at) },
          { label: 'Took', value: formatSeconds(receipt.seconds) },
          ...(tokens === null
            ? []
            : [
                {
                  label: 'Base, delta',
                  value: `${formatCount(tokens.base)} + ${formatCounted(tokens.delta, 'token')}`,
                },
                { label: 'Run through the model', value: formatCounted(tokens.processed, 'token') },
                {
                  label: 'Not re-read',
                  value:
                    tokens.saved > 0
                      ? `${formatCounted(tokens.saved, 'token')}, ${formatPercent(tokens.savings_percent)}`
                      : formatSaving(tokens.saved, saved => formatCounted(saved, 'token')),
                },
              ]),
          ...(receipt.bytes === null ? [] : [{ label: 'Bytes', value: formatBytes(receipt.bytes) }]),
          ...(receipt.packet_id === null
            ? []
            : [
                {
                  label: 'Cartridge',
                  value: (
                    <Link
                      className={name === null ? 'link mono' : 'link'}
                      to={`/inspect/${encodeURIComponent(receipt.packet_id)}`}
                    >
                      {name ?? shortDigest(receipt.packet_id)}
                    </Link>
                  ),
                },
              ]),
          ...digestFact('Receipt id', receipt.receipt_id),
          ...digestFact('Operation id', receipt.operation_id),
          ...digestFact('Previous receipt', receipt.prev),
          ...digestFact('Base text', receipt.base_sha256),
          ...digestFact('State', receipt.blob_sha256),
          ...digestFact('Delta text', receipt.delta_sha256),
          ...digestFact('Signing key', keyId),
        ]}
      />
      <div className="row wrap">
        <Button
          icon={<RotateCcw aria-hidden />}
          isPending={replay.status === 'running'}
          onPress={() => void replay.run({ id })}
        >
          Run it again
        </Button>
        {replay.status === 'running' ? <Button onPress={replay.cancel}>Cancel</Button> : null}
        {read.data.traced ? <TraceButton receiptId={id} /> : null}
        <span className="small muted">Equal inputs must give the same operation id.</span>
      </div>
      {replay.status === 'running' ? (
        <TaskProgress progress={replay.progress} fallback="Running the operation again" />
      ) : null}
      {replay.status === 'failed' ? <ErrorPanel error={replay.error} /> : null}
      {replay.result === null ? null : (
        <p className="Receipts-note" data-tone={replay.result.same ? 'ok' : 'bad'} role="status">
          {replay.result.same
            ? `Same result: ${shortDigest(replay.result.replayedOperationId)}.`
            : `A different result: ${replay.result.differences.join('; ') || shortDigest(replay.result.replayedOperationId)}.`}
        </p>
      )}
      <SegmentedControl
        label="Behind the receipt"
        value={source}
        onChange={setSource}
        segments={[
          { id: 'statement', label: 'Statement' },
          { id: 'inclusion', label: 'Inclusion proof' },
        ]}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
      <pre className="Receipts-json" tabIndex={0}>
        {JSON.stringify(source === 'statement' ? read.data.statement : read.data.inclusion, null, 2)}
      </pre>
    </div>
  )
}
