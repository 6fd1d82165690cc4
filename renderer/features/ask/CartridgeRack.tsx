import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { writeCartridges } from '../../app/cartridgeDrag.ts'
import { packetIdsOf } from '../../stores/libraryStore.ts'
import { useRead } from '../../stores/useRead.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatCounted, formatRead } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { TextField } from '../../ui/TextField.tsx'

/** The cartridges at hand, and collections where several can be taken: press one to take it, + to add it, or drag it. */
export function CartridgeRack({
  slots = [],
  kind,
  onInsert,
  onAdd,
}: {
  /** What is taken already, by packet_id. */
  readonly slots?: readonly string[]
  /** Only those of this kind. */
  readonly kind?: StateKind
  readonly onInsert: (packetIds: readonly string[]) => void
  /** Absent where one is taken at a time. */
  readonly onAdd?: (packetIds: readonly string[]) => void
}) {
  const [query, setQuery] = useState('')
  const { data, error, refetch } = useRead(
    'library.list',
    { query, kind, stacked: onAdd !== undefined, limit: 60 },
    { keepsLast: true },
  )
  return (
    <div className="Rack">
      <TextField aria-label="Find a cartridge" placeholder="Find a cartridge" value={query} onChange={setQuery} />
      {error === null ? null : (
        <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
      )}
      <ul>
        {data?.items.map(item => {
          const { stack } = item
          const packetIds = packetIdsOf(item)
          const name = stack?.name ?? item.name
          const isIn = packetIds.every(id => slots.includes(id))
          return (
            <li key={item.packetId}>
              <button
                type="button"
                draggable
                aria-current={isIn || undefined}
                onDragStart={event => writeCartridges(event.dataTransfer, packetIds)}
                onClick={() => onInsert(packetIds)}
              >
                <span className={`Rack-face${stack === null ? '' : ' Rack-face--stack'}`}>
                  <CartridgeFace digest={item.packetId} kind={item.kind} name={name} />
                </span>
                <span className="Rack-name">
                  <b className="two-lines">{name}</b>
                  <span className="truncate">
                    {stack === null
                      ? dotted(formatRead(item.tokens), item.model.name, item.trust === 'restricted' && 'restricted')
                      : dotted(formatCounted(stack.packetIds.length, 'cartridge'), formatRead(stack.tokens))}
                  </span>
                </span>
              </button>
              {onAdd === undefined || slots.length === 0 || isIn ? null : (
                <IconButton label={`Add ${name}`} onPress={() => onAdd(packetIds)}>
                  <Plus aria-hidden />
                </IconButton>
              )}
            </li>
          )
        })}
      </ul>
      {data !== undefined && data.items.length === 0 ? <p className="muted small">Nothing is called that.</p> : null}
      {data !== undefined && data.total > data.items.length ? (
        <p className="muted small">And {formatCount(data.total - data.items.length)} more: search for them.</p>
      ) : null}
    </div>
  )
}
