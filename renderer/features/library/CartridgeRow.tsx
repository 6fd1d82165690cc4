import { Pin } from 'lucide-react'
import { memo } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { formatAgo, formatBytes, formatRead } from '../../ui/format.ts'
import { TrustBadges } from '../../ui/TrustBadges.tsx'

/** One cartridge on one line. */
export const CartridgeRow = memo(function CartridgeRow({
  cartridge,
  selected,
}: {
  readonly cartridge: CartridgeSummary
  readonly selected: boolean
}) {
  return (
    <div className={`CartridgeRow${selected ? ' CartridgeRow--selected' : ''}`}>
      <span className="CartridgeRow-face">
        <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} />
      </span>
      <span className="CartridgeRow-name">
        <b className="truncate">
          {cartridge.pinned ? <Pin aria-label="Pinned" /> : null}
          {cartridge.name}
        </b>
        <span className="truncate muted">
          {cartridge.model.name} · {KIND_LABEL[cartridge.kind]}
        </span>
      </span>
      <span className="CartridgeRow-badges row">
        <TrustBadges cartridge={cartridge} />
      </span>
      <span className="CartridgeRow-number">{formatRead(cartridge.tokens)}</span>
      <span className="CartridgeRow-number">{formatBytes(cartridge.bytes)}</span>
      <span className="CartridgeRow-number CartridgeRow-when muted">
        {formatAgo(cartridge.usedAt ?? cartridge.createdAt)}
      </span>
    </div>
  )
})
