import { ProgressBar as AriaProgressBar } from 'react-aria-components'
import './controls.css'

export interface ProgressBarProps {
  /** What is being done; spoken, and shown unless `bare`. */
  readonly label: string
  /** 0 to 1; null while the end is unknown. */
  readonly value: number | null
  /** Right of the label, e.g. `1,204 tok/s · 8 s left`. */
  readonly note?: string
  readonly bare?: boolean
}

/** How far a long task is. */
export function ProgressBar({ label, value, note, bare = false }: ProgressBarProps) {
  return (
    <AriaProgressBar
      className="Progress"
      aria-label={label}
      value={value === null ? 0 : Math.min(1, value) * 100}
      isIndeterminate={value === null}
    >
      {bare ? null : (
        <span className="Progress-head">
          <span>{label}</span>
          <span className="muted">{note}</span>
        </span>
      )}
      <span className="Progress-track">
        <span
          className={`Progress-fill${value === null ? ' Progress-fill--unknown' : ''}`}
          style={value === null ? undefined : { width: `${Math.min(1, value) * 100}%` }}
        />
      </span>
    </AriaProgressBar>
  )
}
