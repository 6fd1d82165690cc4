import { CopyButton } from '../../../ui/CopyButton.tsx'
import { Facts } from '../../../ui/Facts.tsx'
import { formatCount, formatPercent, shortDigest } from '../../../ui/format.ts'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import type { Inspection } from '../inspectData.ts'

function describeLoss(loss: unknown): string {
  if (typeof loss !== 'object' || loss === null) return 'none: stored exactly as computed'
  const { kl, top1, maxAbsDiff } = loss as { kl?: number; top1?: boolean; maxAbsDiff?: number }
  const parts = [
    typeof maxAbsDiff === 'number' ? `largest logit change ${maxAbsDiff.toPrecision(2)}` : null,
    typeof kl === 'number' ? `KL ${kl.toExponential(1)} nats` : null,
    typeof top1 === 'boolean' ? (top1 ? 'same top token' : 'top token changed') : null,
  ]
  return parts.filter(part => part !== null).join(', ')
}

export function FormatView({ inspection }: { readonly inspection: Inspection }) {
  const { version, dtype, blockTokens, blocks, loss } = inspection.format
  return (
    <div className="stack">
      <Facts
        caption="Format"
        facts={[
          { label: 'Format version', value: version },
          { label: 'Stored as', value: dtype },
          { label: 'Tokens per block', value: inspection.kv.length === 0 ? 'one snapshot' : formatCount(blockTokens) },
          { label: 'Cost of that precision', value: describeLoss(loss) },
          {
            label: 'Full blocks',
            value:
              inspection.kv.length === 0
                ? 'not applicable'
                : `${formatCount(Math.floor(inspection.summary.tokens / Math.max(1, blockTokens)))} of ${formatCount(blocks.length)} (${formatPercent((inspection.summary.tokens / Math.max(1, blocks.length * blockTokens)) * 100)} filled)`,
          },
        ]}
      />
      <h3>Blobs of the state, in order</h3>
      <VirtualTable
        caption="Blobs of the state"
        rows={blocks.map((digest, index) => ({ digest, index }))}
        rowKey={row => String(row.index)}
        columns={[
          { id: 'index', title: '#', width: '56px', numeric: true, cell: row => row.index },
          {
            id: 'digest',
            title: 'Digest',
            width: '1fr',
            cell: row => (
              <span className="row">
                <span className="mono truncate">{row.digest}</span>
                <CopyButton text={row.digest} label={`Copy digest ${shortDigest(row.digest)}`} />
              </span>
            ),
          },
        ]}
      />
    </div>
  )
}
