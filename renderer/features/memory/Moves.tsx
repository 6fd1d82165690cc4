import { ArrowRight } from 'lucide-react'
import type { MemoryMove } from '#shared/rpc/methods/memory.ts'
import { formatBytes, formatClock } from '../../ui/format.ts'
import { VirtualTable } from '../../ui/VirtualTable.tsx'

/** Each move between tiers with its reason, newest first. */
export function Moves({ moves }: { readonly moves: readonly MemoryMove[] }) {
  return (
    <VirtualTable
      caption="Moves between tiers"
      maxHeight={320}
      rows={moves}
      rowKey={({ at }, index) => `${at} ${index}`}
      columns={[
        { id: 'at', title: 'When', width: '70px', cell: ({ at }) => formatClock(at) },
        { id: 'what', title: 'What', width: 'minmax(150px, 1fr)', cell: ({ name }) => name },
        {
          id: 'move',
          title: 'Move',
          width: '130px',
          cell: ({ from, to }) => (
            <span className="Memory-move">
              <Place of={from} />
              <ArrowRight aria-label="to" />
              <Place of={to} />
            </span>
          ),
        },
        { id: 'bytes', title: 'Size', width: '76px', numeric: true, cell: ({ bytes }) => formatBytes(bytes) },
        { id: 'why', title: 'Why', width: 'minmax(180px, 1.4fr)', cell: ({ reason }) => reason },
      ]}
    />
  )
}

/** A tier, or that there is none on this side. */
function Place({ of }: { readonly of: MemoryMove['from' | 'to'] }) {
  return of === 'new' || of === 'registry' || of === 'gone' ? of : <span className={`Tier Tier--${of}`}>{of}</span>
}
