import { useState } from 'react'
import { Slider } from '../../ui/Slider.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { LOG_STEPS, slide, stepOf, toLogPosition } from './logScale.ts'

export interface NumberInputProps {
  readonly label: string
  readonly value: number
  readonly onChange: (value: number) => void
  readonly min: number
  readonly max: number
  /** Whole numbers only. */
  readonly integer?: boolean
  readonly hint?: string
  /** Adds a slider up to this value; logarithmic when the range spans more than two orders of magnitude. */
  readonly slideTo?: number
}

/** A number to type, step with the arrow keys, or feel for with a slider. Takes effect while typing. */
export function NumberInput({ label, value, onChange, min, max, integer = false, hint, slideTo }: NumberInputProps) {
  const [draft, setDraft] = useState<string | null>(null)
  const text = draft ?? value.toLocaleString('en-US', { maximumFractionDigits: 6 })
  const parsed = parse(text)
  const problem =
    parsed === null
      ? 'Enter a number.'
      : parsed < min || parsed > max
        ? `Between ${min.toLocaleString('en-US')} and ${max.toLocaleString('en-US')}.`
        : integer && !Number.isInteger(parsed)
          ? 'A whole number.'
          : undefined
  const change = (next: string) => {
    setDraft(next)
    const number = parse(next)
    if (number !== null && number >= min && number <= max && (!integer || Number.isInteger(number))) onChange(number)
  }
  const nudge = (direction: number) => {
    const size = stepOf(value, integer)
    const next = Math.min(max, Math.max(min, Number((value + direction * size).toPrecision(12))))
    setDraft(null)
    onChange(next)
  }
  const logarithmic = slideTo !== undefined && slideTo > 100 * Math.max(min, integer ? 1 : slideTo / 1000)
  return (
    <div className="NumberInput">
      <TextField
        label={label}
        value={text}
        onChange={change}
        onBlur={() => setDraft(null)}
        onKeyDown={event => {
          if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') {
            event.continuePropagation()
            return
          }
          event.preventDefault()
          nudge(event.key === 'ArrowUp' ? 1 : -1)
        }}
        inputMode="decimal"
        error={draft === null ? undefined : problem}
        hint={hint}
      />
      {slideTo === undefined ? null : (
        <Slider
          label={`${label}, slider`}
          hideLabel
          min={logarithmic ? 0 : min}
          max={logarithmic ? LOG_STEPS : slideTo}
          step={logarithmic || integer ? 1 : slideTo / 200}
          value={logarithmic ? toLogPosition(value, min, slideTo) : Math.min(value, slideTo)}
          onChange={at => {
            setDraft(null)
            const linear = Number(at.toPrecision(6))
            onChange(
              logarithmic ? slide(at, { value, min, max: slideTo, integer }) : integer ? Math.round(linear) : linear,
            )
          }}
          format={() => text}
        />
      )}
    </div>
  )
}

/** Reads `1,000`, `0.15`, `$0.15`, `2.5e3`; null for anything else. */
function parse(text: string): number | null {
  const plain = text.replace(/[,\s$]/g, '')
  if (!/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null
  return Number(plain)
}
