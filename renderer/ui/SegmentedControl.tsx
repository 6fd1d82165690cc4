import type { ReactNode } from 'react'
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import './segmented.css'

export interface Segment<T extends string> {
  readonly id: T
  readonly label: string
  /** With an icon the label is only spoken. */
  readonly icon?: ReactNode
  readonly isDisabled?: boolean
}

export interface SegmentedControlProps<T extends string> {
  readonly label: string
  readonly segments: readonly Segment<T>[]
  readonly value: T
  readonly onChange: (value: T) => void
}

/** Exactly one of a few views or values, all seen at once (a radio group to assistive technology). */
export function SegmentedControl<T extends string>({ label, segments, value, onChange }: SegmentedControlProps<T>) {
  return (
    <ToggleButtonGroup
      className="Segmented"
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={keys => {
        const chosen = segments.find(segment => keys.has(segment.id))
        if (chosen !== undefined) onChange(chosen.id)
      }}
    >
      {segments.map(segment => (
        <ToggleButton
          key={segment.id}
          id={segment.id}
          className="Segmented-item"
          isDisabled={segment.isDisabled ?? false}
          {...(segment.icon === undefined ? {} : { 'aria-label': segment.label })}
        >
          {segment.icon ?? segment.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  )
}
