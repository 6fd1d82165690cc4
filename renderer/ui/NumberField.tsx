import { type KeyboardEvent, useState } from 'react'
import { NumberField as AriaNumberField, FieldError, Input, Label, Text, useLocale } from 'react-aria-components'
import { formatNumber } from './format.ts'
import { readNumber } from './readNumber.ts'
import './field.css'

export interface NumberFieldProps {
  /** Visible label; leave it out only together with `aria-label`. */
  readonly label?: string
  readonly 'aria-label'?: string
  /** Null for an empty field. */
  readonly value: number | null
  /** Called while typing, with every number that is allowed. */
  readonly onChange: (value: number) => void
  /** Given where the field may be empty. */
  readonly onEmpty?: () => void
  readonly min: number
  readonly max: number
  /** Whole numbers only. */
  readonly integer?: boolean
  /** It names something, like a port: its digits stand together. */
  readonly ungrouped?: boolean
  readonly hint?: string | undefined
  readonly placeholder?: string
  /** What an arrow key makes of the value; one more or less when absent. */
  readonly nudge?: (value: number, direction: 1 | -1) => number
}

/** A number, typed in the way of one's own language. What is out of range is limited when the field is left, and said. */
export function NumberField(props: NumberFieldProps) {
  const { label, value, onChange, onEmpty, min, max, integer = false, ungrouped = false, hint, placeholder } = props
  const { locale } = useLocale()
  // While a text is typed, the field keeps the value it had: a new one would be formatted under the cursor.
  const [draft, setDraft] = useState<{ readonly text: string; readonly before: number | null } | null>(null)
  const [limited, setLimited] = useState<string | null>(null)
  const told = ungrouped ? String : formatNumber
  const bounds = { least: `At least ${told(min)}.`, most: `At most ${told(max)}.` }

  const problem = draft === null ? undefined : problemOf(readNumber(draft.text, locale))
  function problemOf(number: number | null): string | undefined {
    if (draft?.text.trim() === '' && onEmpty !== undefined) return undefined
    if (number === null) return 'Enter a number.'
    if (number < min) return bounds.least
    if (number > max) return bounds.most
    return integer && !Number.isInteger(number) ? 'A whole number.' : undefined
  }
  function type(text: string): void {
    setDraft({ text, before: draft === null ? value : draft.before })
    setLimited(null)
    const number = readNumber(text, locale)
    if (number !== null && number >= min && number <= max && (!integer || Number.isInteger(number))) onChange(number)
  }
  function settle(): void {
    if (draft === null) return
    const number = readNumber(draft.text, locale)
    if (draft.text.trim() === '') onEmpty?.()
    if (number !== null && (number < min || number > max)) {
      onChange(number < min ? min : max)
      setLimited(number < min ? bounds.least : bounds.most)
    }
    setDraft(null)
  }
  function onKeyDownCapture(event: KeyboardEvent): void {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
    event.preventDefault()
    event.stopPropagation()
    const direction = event.key === 'ArrowUp' ? 1 : -1
    const from = value ?? min
    const next = props.nudge?.(from, direction) ?? from + direction
    setDraft(null)
    setLimited(null)
    onChange(Math.min(max, Math.max(min, next)))
  }
  const said = limited ?? hint
  return (
    <AriaNumberField
      aria-label={props['aria-label']}
      value={(draft === null ? value : draft.before) ?? Number.NaN}
      // What it makes of a draft is not asked: it would take 0,50 for 50 where the comma groups.
      onChange={number => draft === null && onChange(number)}
      minValue={min}
      maxValue={max}
      formatOptions={{ maximumFractionDigits: 6, useGrouping: !ungrouped }}
      isWheelDisabled
      isInvalid={problem !== undefined}
      className="Field"
    >
      {label === undefined ? null : <Label className="Field-label">{label}</Label>}
      <div className="Field-row">
        <Input
          className="Field-control"
          placeholder={placeholder}
          onInput={event => type(event.currentTarget.value)}
          onBlur={settle}
          onKeyDownCapture={onKeyDownCapture}
          onKeyDown={event => event.key === 'Enter' && settle()}
        />
      </div>
      {said === undefined ? null : (
        <Text slot="description" className="Field-hint" role={limited === null ? undefined : 'status'}>
          {said}
        </Text>
      )}
      <FieldError className="Field-error">{problem}</FieldError>
    </AriaNumberField>
  )
}
