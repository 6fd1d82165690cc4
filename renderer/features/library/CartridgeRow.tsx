import { Pin } from 'lucide-react'
import { memo } from 'react'
import type { LibraryItem } from '../../stores/libraryStore.ts'
import { Badge } from '../../ui/Badge.tsx'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
import { formatAgo, formatBytes, formatCounted, formatRead } from '../../ui/format.ts'
import { TrustBadges } from '../../ui/TrustBadges.tsx'

/** One cartridge, or a collection, on one line. */
export const CartridgeRow = memo(function CartridgeRow({
  item: { stack, ...cartridge },
  selected,
}: {
  readonly item: LibraryItem
  readonly selected: boolean
}) {
  return (
    <div className={`CartridgeRow${selected ? ' CartridgeRow--selected' : ''}`}>
      <span className="CartridgeRow-face">
        <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} name={cartridge.name} />
      </span>
      <span className="CartridgeRow-name">
        <b className="truncate">
          {cartridge.pinned && stack === null ? <Pin aria-label="Pinned" /> : null}
          {stack?.name ?? cartridge.name}
        </b>
        <span className="truncate muted">{dotted(cartridge.model.name, KIND_LABEL[cartridge.kind])}</span>
      </span>
      <span className="CartridgeRow-badges row">
        {stack === null ? (
          <TrustBadges cartridge={cartridge} />
        ) : (
          <Badge>{formatCounted(stack.packetIds.length, 'cartridge')}</Badge>
        )}
      </span>
      <span className="CartridgeRow-number">{formatRead((stack ?? cartridge).tokens)}</span>
      <span className="CartridgeRow-number">{formatBytes((stack ?? cartridge).bytes)}</span>
      <span className="CartridgeRow-number CartridgeRow-when muted">
        {formatAgo(cartridge.usedAt ?? cartridge.createdAt)}
      </span>
    </div>
  )
})
