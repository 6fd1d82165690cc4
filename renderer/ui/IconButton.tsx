import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components'
import { Tooltip } from './Tooltip.tsx'
import './button.css'

export interface IconButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children' | 'aria-label'> {
  /** What it does, in words: the accessible name and the tooltip. */
  readonly label: string
  /** Shown in the tooltip beside the label, e.g. `Ctrl K`. */
  readonly shortcut?: string
  readonly children: ReactNode
}

/** A button that shows an icon only. Always has a tooltip. */
export function IconButton({ label, shortcut, children, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} shortcut={shortcut}>
      <AriaButton {...rest} aria-label={label} className="IconButton">
        {children}
      </AriaButton>
    </Tooltip>
  )
}
