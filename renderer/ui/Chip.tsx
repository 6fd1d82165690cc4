import type { ReactNode } from 'react'
import { ToggleButton } from 'react-aria-components'
import { formatCount } from './format.ts'
import './segmented.css'

export interface ChipProps {
  readonly selected: boolean
  readonly onChange: (selected: boolean) => void
  readonly icon?: ReactNode
  /** How many items the filter would leave. */
  readonly count?: number
  readonly children: ReactNode
}

/** A filter that is on or off. */
export function Chip({ selected, onChange, icon, count, children }: ChipProps) {
  return (
    <ToggleButton className="Chip" isSelected={selected} onChange={onChange}>
      {icon}
      {children}
      {count === undefined ? null : <span className="Chip-count">{formatCount(count)}</span>}
    </ToggleButton>
  )
}
