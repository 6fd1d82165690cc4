import type { ReactNode } from 'react'
import { Switch as AriaSwitch } from 'react-aria-components'
import './controls.css'

export interface SwitchProps {
  readonly isSelected: boolean
  readonly onChange: (on: boolean) => void
  readonly isDisabled?: boolean
  readonly children: ReactNode
}

/** On or off, taking effect at once. */
export function Switch({ children, isDisabled = false, ...rest }: SwitchProps) {
  return (
    <AriaSwitch {...rest} isDisabled={isDisabled} className="Switch">
      <span className="Switch-track" aria-hidden />
      {children}
    </AriaSwitch>
  )
}
