import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
import { formatRead } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'

interface ParentChipProps {
  readonly cartridge: CartridgeSummary
  readonly onRemove?: () => void
  readonly children?: ReactNode
}

/** A chosen cartridge in a row: face, name, what it is, and a way to take it out again. */
export function ParentChip({ cartridge, onRemove, children }: ParentChipProps) {
  return (
    <div className="Parent">
      <span className="Parent-face">
        <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} name={cartridge.name} width={60} height={36} />
      </span>
      <span className="Parent-text">
        <b className="truncate">{cartridge.name}</b>
        <span className="small muted truncate">
          {dotted(KIND_LABEL[cartridge.kind], formatRead(cartridge.tokens), cartridge.model.name)}
        </span>
      </span>
      {children}
      {onRemove === undefined ? null : (
        <IconButton label={`Take out ${cartridge.name}`} onPress={onRemove}>
          <X aria-hidden />
        </IconButton>
      )}
    </div>
  )
}
