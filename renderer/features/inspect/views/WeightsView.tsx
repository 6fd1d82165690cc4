import { useMemo, useState } from 'react'
import { CopyButton } from '../../../ui/CopyButton.tsx'
import { shortDigest } from '../../../ui/format.ts'
import { TextField } from '../../../ui/TextField.tsx'
import { VirtualTable } from '../../../ui/VirtualTable.tsx'
import type { Inspection } from '../inspectData.ts'

interface WeightsViewProps {
  readonly tensors: Inspection['norms']
  readonly what: string
}

/** The weights of the model that the state is bound to: main shape and digest of each layer's. */
export function WeightsView({ tensors, what }: WeightsViewProps) {
  const [query, setQuery] = useState('')
  const shown = useMemo(() => tensors.filter(t => t.name.includes(query.trim())), [tensors, query])
  if (tensors.length === 0)
    return <p className="muted">The model keeps no list of its {what}; the whole file is bound instead.</p>
  return (
    <div className="stack">
      <TextField aria-label="Filter by layer" placeholder="Filter by layer" value={query} onChange={setQuery} />
      <VirtualTable
        caption={what}
        rows={shown}
        rowKey={tensor => tensor.name}
        columns={[
          {
            id: 'name',
            title: 'Layer',
            width: 'minmax(140px, 2fr)',
            cell: t => <span className="mono truncate">{t.name}</span>,
          },
          {
            id: 'shape',
            title: 'Shape',
            width: '110px',
            cell: t => <span className="mono">[{t.shape.join(', ')}]</span>,
          },
          {
            id: 'digest',
            title: 'Digest',
            width: '190px',
            cell: t => (
              <span className="row">
                <span className="mono">{shortDigest(t.digest)}</span>
                <CopyButton text={t.digest} label={`Copy digest of ${t.name}`} />
              </span>
            ),
          },
        ]}
      />
    </div>
  )
}
