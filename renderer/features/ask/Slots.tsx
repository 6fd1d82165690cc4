import type { ReactNode } from 'react'
import { useRead } from '../../stores/useRead.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { dotted } from '../../ui/dotted.ts'
import { EjectIcon } from '../../ui/EjectIcon.tsx'
import { formatCount, formatCounted, formatRead } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'

/** Slots that are drawn one by one. */
const MOST_DRAWN = 12

export interface SlotsProps {
  /** References, of which several are packet_ids. */
  readonly slots: readonly string[]
  readonly onEject: (refs: readonly string[]) => void
}

/** What is in the slots; a collection all of which is there is one. */
export function Slots({ slots, onEject }: SlotsProps) {
  const { data } = useRead('collections.list', slots.length > 1 ? {} : null)
  const whole = data?.collections.filter(({ packetIds }) => packetIds.every(id => slots.includes(id))) ?? []
  const alone = slots.filter(ref => !whole.some(({ packetIds }) => packetIds.some(id => id === ref)))
  const more = alone.slice(MOST_DRAWN)
  return (
    <ul className="Slots" aria-label="In the slots">
      {whole.map(({ id, name, packetIds }) => (
        <CollectionSlot
          key={id}
          id={id}
          label={slots.length === packetIds.length ? 'Eject' : `Eject ${name}`}
          onEject={() => onEject(packetIds)}
        />
      ))}
      {alone.slice(0, MOST_DRAWN).map(ref => (
        <CartridgeSlot key={ref} packetId={ref} isOnly={slots.length === 1} onEject={() => onEject([ref])} />
      ))}
      {more.length === 0 ? null : (
        <Slot
          name={`${formatCount(more.length)} more`}
          about="cartridges"
          face={null}
          label={`Eject ${formatCount(more.length)} more`}
          onEject={() => onEject(more)}
        />
      )}
    </ul>
  )
}

function CollectionSlot({ id, ...rest }: { readonly id: string } & Pick<SlotProps, 'label' | 'onEject'>) {
  const { data } = useRead('collections.get', { id })
  const first = data?.members[0]
  if (data === undefined || first === undefined) return null
  return (
    <Slot
      {...rest}
      name={data.name}
      about={dotted(formatCounted(data.members.length, 'cartridge'), formatRead(data.tokens))}
      face={<CartridgeFace digest={first.packetId} kind={first.kind} />}
      stacked
    />
  )
}

function CartridgeSlot({
  packetId,
  isOnly,
  onEject,
}: {
  readonly packetId: string
  readonly isOnly: boolean
  readonly onEject: () => void
}) {
  const { data, error } = useRead('library.get', { ref: packetId })
  // A reference that leads nowhere is said below, with the way out.
  if (data === undefined && (error === null || isOnly)) return null
  const summary = data?.summary
  const name = summary?.name ?? 'A cartridge that is gone'
  return (
    <Slot
      name={name}
      about={summary === undefined ? '' : dotted(formatRead(summary.tokens), summary.model.name)}
      face={summary === undefined ? null : <CartridgeFace digest={summary.packetId} kind={summary.kind} />}
      label={isOnly ? 'Eject' : `Eject ${name}`}
      onEject={onEject}
    />
  )
}

interface SlotProps {
  readonly name: string
  readonly about: string
  readonly face: ReactNode
  readonly stacked?: boolean
  /** Of the button that takes it out. */
  readonly label: string
  readonly onEject: () => void
}

function Slot({ name, about, face, stacked = false, label, onEject }: SlotProps) {
  return (
    <li className={`Slot${stacked ? ' Slot--stack' : ''}`}>
      {face === null ? null : <span className="Slot-face">{face}</span>}
      <span className="Slot-name">
        <b className="truncate">{name}</b>
        <span className="truncate">{about}</span>
      </span>
      <IconButton label={label} onPress={onEject}>
        <EjectIcon />
      </IconButton>
    </li>
  )
}
