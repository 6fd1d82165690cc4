import { Pin } from 'lucide-react'
import { ToggleButton } from 'react-aria-components'
import { Link } from 'react-router'
import type { Output } from '#shared/rpc/client.ts'
import { Badge } from '../../ui/Badge.tsx'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { Table } from '../../ui/Table.tsx'
import { type HoldingRow, holdingRows } from './holdingRows.ts'

interface HoldingsProps {
  readonly tiers: Output<'memory.status'>['tiers']
  readonly onPin: (packetId: string, pinned: boolean) => void
}

/** What lives where, and why it is there. */
export function Holdings({ tiers, onPin }: HoldingsProps) {
  const size = (bytes: number) => (bytes === 0 ? <span className="muted">–</span> : formatBytes(bytes))
  return (
    <Table<HoldingRow>
      caption="What is in memory"
      rows={holdingRows(tiers)}
      rowKey={row => row.key}
      columns={[
        {
          id: 'name',
          title: 'What',
          cell: row =>
            row.packetId === null || !row.stored ? (
              row.name
            ) : (
              <Link className="link" to={`/inspect/${encodeURIComponent(row.packetId)}`}>
                {row.name}
              </Link>
            ),
        },
        { id: 'hot', title: <Tier name="hot" />, numeric: true, cell: row => size(row.hot) },
        { id: 'warm', title: <Tier name="warm" />, numeric: true, cell: row => size(row.warm) },
        { id: 'cold', title: <Tier name="cold" />, numeric: true, cell: row => size(row.cold) },
        { id: 'uses', title: 'Uses', numeric: true, cell: row => formatCount(row.uses) },
        {
          id: 'why',
          title: 'Why it is there',
          cell: row => (
            <span className="row">
              {row.inUse ? <Badge tone="accent">In use</Badge> : null}
              {row.pinned ? <Badge tone="kv">Pinned</Badge> : null}
              <span className="muted">{row.reason}</span>
            </span>
          ),
        },
        {
          id: 'pin',
          title: <span className="visually-hidden">Pin</span>,
          cell: ({ packetId, name, pinned }) =>
            packetId === null ? null : (
              <ToggleButton
                className="IconButton Memory-pin"
                aria-label={`Keep ${name} in memory`}
                isSelected={pinned}
                onChange={next => onPin(packetId, next)}
              >
                <Pin aria-hidden />
              </ToggleButton>
            ),
        },
      ]}
    />
  )
}

function Tier({ name }: { readonly name: 'hot' | 'warm' | 'cold' }) {
  return <span className={`Tier Tier--${name}`}>{name}</span>
}
