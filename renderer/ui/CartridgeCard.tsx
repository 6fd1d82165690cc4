import { Pin } from 'lucide-react'
import { memo } from 'react'
import type { Collection } from '#shared/rpc/methods/collections.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { Badge } from './Badge.tsx'
import { CartridgeFace } from './CartridgeFace.tsx'
import { formatBytes, formatCounted, formatRead } from './format.ts'
import { TrustBadges } from './TrustBadges.tsx'
import './cartridge.css'

export const KIND_LABEL = { kv: 'KV', ssm: 'SSM', hybrid: 'Hybrid' } as const

/** The cartridge as an object: face, notch, name, model, size and badges; a collection as a stack of them. Purely visual: wrap it in what is interactive. */
export const CartridgeCard = memo(function CartridgeCard({
  cartridge,
  stack = null,
  selected = false,
}: {
  readonly cartridge: CartridgeSummary
  /** The collection that it stands for. */
  readonly stack?: Collection | null
  readonly selected?: boolean
}) {
  return (
    <div className={`Cartridge${stack === null ? '' : ' Cartridge--stack'}${selected ? ' Cartridge--selected' : ''}`}>
      <div className="Cartridge-face">
        <CartridgeFace
          digest={cartridge.packetId}
          kind={cartridge.kind}
          name={cartridge.name}
          width={220}
          height={92}
        />
        <span className="Cartridge-kind">{KIND_LABEL[cartridge.kind]}</span>
      </div>
      <div className="Cartridge-label">
        <b className="Cartridge-name">
          {cartridge.pinned && stack === null ? <Pin aria-label="Pinned" /> : null}
          <span className="truncate">{stack?.name ?? cartridge.name}</span>
        </b>
        <p className="truncate">{cartridge.model.name}</p>
        <dl>
          <div>
            <dt>read</dt>
            <dd>{formatRead((stack ?? cartridge).tokens)}</dd>
          </div>
          <div>
            <dt>size</dt>
            <dd>{formatBytes((stack ?? cartridge).bytes)}</dd>
          </div>
        </dl>
        <div className="row">
          {stack === null ? (
            <TrustBadges cartridge={cartridge} />
          ) : (
            <Badge>{formatCounted(stack.packetIds.length, 'cartridge')}</Badge>
          )}
        </div>
      </div>
    </div>
  )
})
