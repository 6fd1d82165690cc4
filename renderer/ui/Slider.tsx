import { Slider as AriaSlider, Label, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components'
import './controls.css'

export interface SliderProps {
  readonly label: string
  readonly hideLabel?: boolean
  readonly value: number
  readonly onChange: (value: number) => void
  readonly min?: number
  readonly max?: number
  readonly step?: number
  readonly isDisabled?: boolean
  /** How the value reads at the right, e.g. `formatPercent`. */
  readonly format?: (value: number) => string
}

/** A number one feels one's way to. Pair it with a field when the exact value matters. */
export function Slider(props: SliderProps) {
  const { label, hideLabel = false, value, onChange, min = 0, max = 100, step = 1, isDisabled = false, format } = props
  return (
    <AriaSlider
      className="Slider"
      value={value}
      onChange={next => onChange(typeof next === 'number' ? next : (next[0] ?? min))}
      minValue={min}
      maxValue={max}
      step={step}
      isDisabled={isDisabled}
    >
      <div className={hideLabel ? 'visually-hidden' : 'Slider-head'}>
        <Label className="Field-label">{label}</Label>
        <SliderOutput>{format?.(value) ?? String(value)}</SliderOutput>
      </div>
      <SliderTrack className="Slider-track">
        {({ state }) => (
          <>
            <span className="Slider-fill" style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            <SliderThumb className="Slider-thumb" />
          </>
        )}
      </SliderTrack>
    </AriaSlider>
  )
}
