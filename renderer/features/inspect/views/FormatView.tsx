import { CopyButton } from '../../../ui/CopyButton.tsx'
import { Facts } from '../../../ui/Facts.tsx'
import { formatCount, formatPercent, formatSignificant, formatUnit, shortDigest } from '../../../ui/format.ts'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import type { Inspection } from '../inspectData.ts'

function describeLoss(loss: Inspection['format']['loss']): string {
  if (loss === null) return 'none: stored exactly as computed'
  const { klBits, top1, maxAbsDiff } = loss
  const words = [
    `largest logit change ${formatSignificant(maxAbsDiff, 2)}`,
    `KL ${formatUnit(formatSignificant(klBits, 2), 'bits')}`,
  ]
  return [...words, top1 ? 'same top tokens' : 'a top token changed'].join(', ')
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
