import { significant } from '#shared/figures/significant.ts'
import { formatNumber } from '../../ui/format.ts'
import { NumberField, type NumberFieldProps } from '../../ui/NumberField.tsx'
import { Slider } from '../../ui/Slider.tsx'
import { LOG_STEPS, nudge, slide, toLogPosition } from './logScale.ts'

export interface NumberInputProps extends Omit<NumberFieldProps, 'value' | 'label' | 'nudge'> {
  readonly label: string
  readonly value: number
  /** Adds a slider up to this value; logarithmic when the range spans more than two orders of magnitude. */
  readonly slideTo?: number
}

/** A number to type, step with the arrow keys, or feel for with a slider. Takes effect while typing. */
export function NumberInput({ slideTo, ...field }: NumberInputProps) {
  const { label, value, onChange, min, integer = false } = field
  const logarithmic = slideTo !== undefined && slideTo > 100 * Math.max(min, integer ? 1 : slideTo / 1000)
  return (
    <div className="NumberInput">
      <NumberField {...field} nudge={(from, direction) => nudge(from, direction, integer)} />
      {slideTo === undefined ? null : (
        <Slider
          label={`${label}, slider`}
          hideLabel
          min={logarithmic ? 0 : min}
          max={logarithmic ? LOG_STEPS : slideTo}
          step={logarithmic || integer ? 1 : slideTo / 200}
          value={logarithmic ? toLogPosition(value, min, slideTo) : Math.min(value, slideTo)}
          onChange={at => {
            const linear = significant(at, 6)
            onChange(
              logarithmic ? slide(at, { value, min, max: slideTo, integer }) : integer ? Math.round(linear) : linear,
            )
          }}
          format={() => formatNumber(value)}
        />
      )}
    </div>
  )
}
