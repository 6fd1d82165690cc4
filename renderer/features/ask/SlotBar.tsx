import type { ReactNode } from 'react'
import { Button as AriaButton } from 'react-aria-components'
import { MOST_EACH } from '#shared/domain/slots.ts'
import type { Asking } from '#shared/rpc/methods/turn.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import { abilityText } from '../../ui/abilityText.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Select } from '../../ui/Select.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { Slots } from './Slots.tsx'

export interface SlotBarProps {
  /** References of what is in the slots. */
  readonly slots: readonly string[]
  /** Takes these out of the slots. */
  readonly onEject: (refs: readonly string[]) => void
  /** Whom of several a question goes to. */
  readonly asking: Asking
  readonly onAsking: (asking: Asking) => void
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

/** The slots: what answers. Cartridges are dropped on the page, or chosen. */
export function SlotBar(props: SlotBarProps) {
  const { slots } = props
  const empty = slots.length === 0
  const several = slots.length > 1
  return (
    <div className={`SlotBar${several ? ' SlotBar--several' : ''}`}>
      {empty ? null : <Slots slots={slots} onEject={props.onEject} />}
      <AriaButton className="Slot Slot--empty" onPress={props.onChoose}>
        {empty ? (
          <>
            Drop a cartridge here<span className="SlotBar-more">, or choose one</span>
          </>
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
      ) : slots.length > MOST_EACH ? (
        <span className="SlotBar-route">
          Of more than {MOST_EACH}, a question goes to the one that knows most of it.
        </span>
      ) : several ? (
        <SegmentedControl
          label="Whom a question goes to"
          value={props.asking}
          onChange={props.onAsking}
          segments={[
            { id: 'each', label: 'Ask each' },
            { id: 'route', label: 'Route' },
          ]}
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
