import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components'
import './button.css'

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  /** `primary`: the one thing to do here. `danger`: cannot be taken back at once. `quiet`: no border until hovered. */
  readonly variant?: 'primary' | 'secondary' | 'quiet' | 'danger'
  readonly size?: 'm' | 's'
  /** Fills the width of its container. */
  readonly wide?: boolean
  readonly icon?: ReactNode
  readonly children: ReactNode
}

/** A labelled button. `isPending` keeps focus and announces the wait. */
export function Button({ variant = 'secondary', size = 'm', wide = false, icon, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={`Button Button--${variant} Button--${size}${wide ? ' Button--wide' : ''}`}>
      {icon}
      <span className="Button-label">{children}</span>
    </AriaButton>
  )
}
