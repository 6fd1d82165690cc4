import type { ReactNode } from 'react'
import { Button as AriaButton } from 'react-aria-components'
import type { CartridgeSummary, ModelView } from '#shared/rpc/methods/views.ts'
import { abilityText } from '../../ui/abilityText.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { EjectIcon } from '../../ui/EjectIcon.tsx'
import { formatRead } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { Select } from '../../ui/Select.tsx'
import { Switch } from '../../ui/Switch.tsx'

export interface SlotBarProps {
  readonly cartridge: CartridgeSummary | null
  /** True when nothing is in the slot (as opposed to: still looking). */
  readonly empty: boolean
  readonly onEject: () => void
  readonly onChoose: () => void
  readonly compare: boolean
  readonly onCompare: (on: boolean) => void
  /** Of the bare model, while the slot is empty. */
  readonly models: readonly ModelView[]
  readonly model: ModelView | undefined
  readonly onModel: (id: string) => void
  /** Beside the model, where it takes one. */
  readonly systemPrompt: ReactNode
}

/** The slot: what answers. Cartridges are dropped on the page, or chosen. */
export function SlotBar(props: SlotBarProps) {
  const { cartridge, empty } = props
  return (
    <div className="SlotBar">
      {cartridge === null ? null : (
        <div className="Slot">
          <span className="Slot-face">
            <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} name={cartridge.name} />
          </span>
          <span className="Slot-name">
            <b className="truncate">{cartridge.name}</b>
            <span className="truncate">
              {cartridge.model.name} · {formatRead(cartridge.tokens)}
            </span>
          </span>
          <IconButton label="Eject" onPress={props.onEject}>
            <EjectIcon />
          </IconButton>
        </div>
      )}
      <AriaButton className="Slot Slot--empty" onPress={props.onChoose}>
        {empty ? (
          'Drop a cartridge here, or choose one'
        ) : (
          <>
            Drop another<span className="SlotBar-more"> cartridge</span>
          </>
        )}
      </AriaButton>
      <span className="grow" />
      {empty ? props.systemPrompt : null}
      {empty ? (
        <Select
          pill
          hideLabel
          label="Model"
          options={props.models.map(model => ({ id: model.id, label: model.name, description: abilityText(model) }))}
          value={props.model?.id ?? null}
          onChange={props.onModel}
        />
      ) : (
        <Switch isSelected={props.compare} onChange={props.onCompare}>
          <span>
            Compare<span className="SlotBar-more"> without</span>
          </span>
        </Switch>
      )}
    </div>
  )
}
