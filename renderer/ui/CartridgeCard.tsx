import { Pin } from 'lucide-react'
import { memo } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { CartridgeFace } from './CartridgeFace.tsx'
import { formatBytes, formatRead } from './format.ts'
import { TrustBadges } from './TrustBadges.tsx'
import './cartridge.css'

export const KIND_LABEL = { kv: 'KV', ssm: 'SSM', hybrid: 'Hybrid' } as const

/** The cartridge as an object: face, notch, name, model, size and badges. Purely visual: wrap it in what is interactive. */
export const CartridgeCard = memo(function CartridgeCard({
  cartridge,
  selected = false,
}: {
  readonly cartridge: CartridgeSummary
  readonly selected?: boolean
}) {
  return (
    <div className={`Cartridge${selected ? ' Cartridge--selected' : ''}`}>
      <div className="Cartridge-face">
        <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} />
        <span className="Cartridge-kind">{KIND_LABEL[cartridge.kind]}</span>
      </div>
      <div className="Cartridge-label">
        <b className="Cartridge-name">
          {cartridge.pinned ? <Pin aria-label="Pinned" /> : null}
          <span className="truncate">{cartridge.name}</span>
        </b>
        <p className="truncate">{cartridge.model.name}</p>
        <dl>
          <div>
            <dt>read</dt>
            <dd>{formatRead(cartridge.tokens)}</dd>
          </div>
          <div>
            <dt>size</dt>
            <dd>{formatBytes(cartridge.bytes)}</dd>
          </div>
        </dl>
        <div className="row">
          <TrustBadges cartridge={cartridge} />
        </div>
      </div>
    </div>
  )
})
