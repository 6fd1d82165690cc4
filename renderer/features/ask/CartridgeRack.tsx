import { useState } from 'react'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { writeCartridges } from '../../app/cartridgeDrag.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { formatCount, formatRead } from '../../ui/format.ts'
import { TextField } from '../../ui/TextField.tsx'

/** The cartridges at hand: press one to take it, or drag it where it is wanted. */
export function CartridgeRack({
  current,
  kind,
  onInsert,
}: {
  readonly current: string | null
  /** Only those of this kind. */
  readonly kind?: StateKind
  readonly onInsert: (packetId: string) => void
}) {
  const [query, setQuery] = useState('')
  const { data, error, reload } = useQuery('library.list', { query, kind, limit: 60 }, ['library.changed'])
  return (
    <div className="Rack">
      <TextField aria-label="Find a cartridge" placeholder="Find a cartridge" value={query} onChange={setQuery} />
      {error === null ? null : <ErrorPanel error={error} action={{ label: 'Try again', onPress: reload }} />}
      <ul>
        {data?.items.map(item => (
          <li key={item.packetId}>
            <button
              type="button"
              draggable
              aria-current={item.packetId === current || undefined}
              onDragStart={event => writeCartridges(event.dataTransfer, [item.packetId])}
              onClick={() => onInsert(item.packetId)}
            >
              <span className="Rack-face">
                <CartridgeFace digest={item.packetId} kind={item.kind} name={item.name} />
              </span>
              <span className="Rack-name">
                <b className="truncate">{item.name}</b>
                <span className="truncate">
                  {item.model.name} · {formatRead(item.tokens)}
                  {item.trust === 'restricted' ? ' · restricted' : ''}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {data !== null && data.items.length === 0 ? <p className="muted small">Nothing is called that.</p> : null}
      {data !== null && data.total > data.items.length ? (
        <p className="muted small">And {formatCount(data.total - data.items.length)} more: search for them.</p>
      ) : null}
    </div>
  )
}
