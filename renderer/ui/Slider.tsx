import {
  Slider as AriaSlider,
  Label,
  SliderOutput,
  SliderStateContext,
  SliderThumb,
  SliderTrack,
} from 'react-aria-components'
import './controls.css'

export interface SliderProps {
  readonly label: string
  readonly hideLabel?: boolean
  readonly value: number
  readonly onChange: (value: number) => void
  /** The thumb was let go, or moved by a key. */
  readonly onChangeEnd?: (value: number) => void
  readonly min?: number
  readonly max?: number
  readonly step?: number
  readonly isDisabled?: boolean
  /** How the value reads at the right and is spoken, e.g. `formatPercent`. */
  readonly format?: (value: number) => string
}

/** A number one feels one's way to. Pair it with a field when the exact value matters. */
export function Slider(props: SliderProps) {
  const { label, hideLabel = false, value, onChange, onChangeEnd, min = 0, max = 100, step = 1 } = props
  const { isDisabled = false, format = String } = props
  const one = (next: number | number[]) => (typeof next === 'number' ? next : (next[0] ?? min))
  return (
    <AriaSlider
      className="Slider"
      value={value}
      onChange={next => onChange(one(next))}
      onChangeEnd={next => onChangeEnd?.(one(next))}
      minValue={min}
      maxValue={max}
      step={step}
      isDisabled={isDisabled}
    >
      <div className={hideLabel ? 'visually-hidden' : 'Slider-head'}>
        <Label className="Field-label">{label}</Label>
        <SliderOutput>{format(value)}</SliderOutput>
      </div>
      <SliderTrack className="Slider-track">
        {({ state }) => (
          <>
            <span className="Slider-fill" style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            <SliderStateContext.Provider
              // The same object, since React Aria knows a slider by it; made anew at each render.
              value={Object.assign(state, { getThumbValueLabel: (at: number) => format(state.getThumbValue(at)) })}
            >
              <SliderThumb className="Slider-thumb" />
            </SliderStateContext.Provider>
          </>
        )}
      </SliderTrack>
    </AriaSlider>
  )
}
