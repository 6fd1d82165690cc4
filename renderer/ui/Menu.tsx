import { Ellipsis } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover, Separator, Text } from 'react-aria-components'
import { IconButton } from './IconButton.tsx'
import { Kbd } from './Kbd.tsx'
import './field.css'

export interface MenuAction {
  readonly id: string
  readonly label: string
  readonly icon?: ReactNode
  readonly shortcut?: string
  readonly danger?: boolean
  readonly disabled?: boolean
  /** Draws a line above this item. */
  readonly separated?: boolean
  readonly onAction: () => void
}

/** A button that opens a list of actions: `trigger`, by default three dots that say the label. */
export function Menu(props: {
  readonly trigger?: ReactElement
  readonly label: string
  readonly items: readonly MenuAction[]
}) {
  return (
    <MenuTrigger>
      {props.trigger ?? (
        <IconButton label={props.label}>
          <Ellipsis aria-hidden />
        </IconButton>
      )}
      <Popover className="Popover" offset={4} placement="bottom end">
        <AriaMenu className="Menu" aria-label={props.label}>
          {props.items.flatMap(item => [
            ...(item.separated === true ? [<Separator key={`${item.id}-line`} className="Menu-separator" />] : []),
            <MenuItem
              key={item.id}
              id={item.id}
              textValue={item.label}
              className={`Item${item.danger === true ? ' Item--danger' : ''}`}
              isDisabled={item.disabled ?? false}
              onAction={item.onAction}
            >
              <Text slot="label" className="Item-label">
                {item.icon}
                <span className="grow">{item.label}</span>
                {item.shortcut === undefined ? null : <Kbd>{item.shortcut}</Kbd>}
              </Text>
            </MenuItem>,
          ])}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  )
}
