import type { ReactElement } from 'react'
import { Tooltip as AriaTooltip, Focusable, TooltipTrigger } from 'react-aria-components'
import { Kbd } from './Kbd.tsx'
import './tooltip.css'

export interface TooltipProps {
  readonly text: string
  readonly shortcut?: string | undefined
  readonly placement?: 'top' | 'bottom' | 'left' | 'right'
  /** True when the child is no React Aria control: it is made focusable and hoverable then. Give it a role. */
  readonly plain?: boolean
  readonly children: ReactElement
}

/** A hint on hover and focus. Never the only place of an information: touch has no hover. */
export function Tooltip({ text, shortcut, placement = 'top', plain = false, children }: TooltipProps) {
  return (
    <TooltipTrigger delay={450} closeDelay={60}>
      {plain ? <Focusable>{children as ReactElement<Record<string, unknown>, string>}</Focusable> : children}
      <AriaTooltip className="Tooltip" placement={placement} offset={6}>
        {text}
        {shortcut === undefined ? null : <Kbd>{shortcut}</Kbd>}
      </AriaTooltip>
    </TooltipTrigger>
  )
}
