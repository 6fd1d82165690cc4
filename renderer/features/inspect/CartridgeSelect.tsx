import { ChevronDown } from 'lucide-react'
import { useContext, useState } from 'react'
import {
  Button,
  ComboBox,
  ComboBoxStateContext,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Text,
} from 'react-aria-components'
import type { StateKind } from '#shared/domain/cartridge.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { useRead } from '../../stores/useRead.ts'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { dotted } from '../../ui/dotted.ts'
import { formatRead } from '../../ui/format.ts'
import '../../ui/field.css'
import './cartridgeSelect.css'

/** A click shows what there is, as typing does. */
function ClickInput({ autoFocus, placeholder }: { readonly autoFocus: boolean; readonly placeholder: string }) {
  const state = useContext(ComboBoxStateContext)
  return (
    <Input
      autoFocus={autoFocus}
      className="Field-control"
      placeholder={placeholder}
      onClick={() => state?.open(null, 'manual')}
    />
  )
}

interface CartridgeSelectProps {
  readonly label: string
  readonly hideLabel?: boolean
  readonly kind?: StateKind
  readonly placeholder?: string | undefined
  /** What is chosen now; without it the field asks for a choice. */
  readonly chosen?: string | undefined
  /** Packet ids that cannot be chosen, with no word why: the one that is already there. */
  readonly without?: readonly string[]
  readonly onChange: (cartridge: CartridgeSummary) => void
}

/** Finds one cartridge of the library by typing a part of its name; empties itself after the choice. */
export function CartridgeSelect({
  label,
  hideLabel = false,
  kind,
  placeholder,
  chosen,
  without = [],
  onChange,
}: CartridgeSelectProps) {
  const [text, setText] = useState('')
  // A choice makes a fresh field, which shuts the list; the keyboard stays in it.
  const [round, setRound] = useState(0)
  const found = useRead('library.list', { query: text, kind, sort: 'used', limit: 40 }, { keepsLast: true })
  const items = (found.data?.items ?? []).filter(item => !without.includes(item.packetId))
  return (
    <ComboBox
      key={round}
      className="Field"
      inputValue={text}
      onInputChange={setText}
      selectedKey={null}
      menuTrigger="input"
      allowsEmptyCollection
      items={items.map(item => ({ ...item, id: item.packetId }))}
      onSelectionChange={key => {
        const picked = items.find(item => item.packetId === key)
        if (picked === undefined) return
        setText('')
        setRound(n => n + 1)
        onChange(picked)
      }}
    >
      <Label className={hideLabel ? 'visually-hidden' : 'Field-label'}>{label}</Label>
      <div className="CartridgeSelect" data-chosen={chosen !== undefined || undefined}>
        <ClickInput autoFocus={round > 0} placeholder={chosen ?? placeholder ?? 'Type a name'} />
        <Button className="IconButton" aria-label={`Show cartridges for ${label.toLowerCase()}`}>
          <ChevronDown aria-hidden />
        </Button>
      </div>
      <Popover className="Popover" offset={4}>
        <ListBox<CartridgeSummary & { id: string }>
          className="ListBox"
          renderEmptyState={() => <p className="CartridgeSelect-none">No cartridge of that name</p>}
        >
          {item => (
            <ListBoxItem className="Item" textValue={item.name}>
              <Text slot="label" className="Item-label">
                {item.name}
              </Text>
              <Text slot="description" className="Item-description">
                {dotted(KIND_LABEL[item.kind], item.model.name, formatRead(item.tokens, 'tokens'))}
              </Text>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  )
}
