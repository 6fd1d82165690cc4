import { Check, ChevronDown } from 'lucide-react'
import type { ReactNode } from 'react'
import {
  Select as AriaSelect,
  Button,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SelectValue,
  Text,
} from 'react-aria-components'
import './field.css'

export interface Option<T extends string> {
  readonly id: T
  readonly label: string
  readonly description?: string
  readonly disabled?: boolean
}

export interface SelectProps<T extends string> {
  /** Always the accessible name; shown above unless `hideLabel`. */
  readonly label: string
  readonly hideLabel?: boolean
  readonly options: readonly Option<T>[]
  readonly value: T | null
  readonly onChange: (value: T) => void
  readonly placeholder?: string
  readonly hint?: ReactNode
  readonly isDisabled?: boolean
  /** A small rounded form for toolbars. */
  readonly pill?: boolean
}

/** One of a short list. For two to four choices that should be seen at once, take {@link SegmentedControl}. */
export function Select<T extends string>(props: SelectProps<T>) {
  const { label, hideLabel = false, options, value, onChange, placeholder, hint, isDisabled, pill = false } = props
  return (
    <AriaSelect
      className={`Field${pill ? ' Select--pill' : ''}`}
      value={value}
      onChange={key => {
        const chosen = options.find(option => option.id === key)
        if (chosen !== undefined) onChange(chosen.id)
      }}
      placeholder={placeholder ?? 'Choose'}
      // It would not open: what it lists may still be on its way.
      isDisabled={isDisabled === true || options.length === 0}
    >
      <Label className={hideLabel ? 'visually-hidden' : 'Field-label'}>{label}</Label>
      <Button className="Field-control Select-button">
        <SelectValue />
        <ChevronDown aria-hidden />
      </Button>
      {hint === undefined ? null : (
        <Text slot="description" className="Field-hint">
          {hint}
        </Text>
      )}
      <Popover className="Popover" offset={4}>
        <ListBox className="ListBox">
          {options.map(option => (
            <ListBoxItem
              key={option.id}
              id={option.id}
              textValue={option.label}
              className="Item"
              isDisabled={option.disabled ?? false}
            >
              <Text slot="label" className="Item-label">
                {option.label}
              </Text>
              <Check className="Item-check" aria-hidden />
              {option.description === undefined ? null : (
                <Text slot="description" className="Item-description">
                  {option.description}
                </Text>
              )}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  )
}
