import type { ReactNode } from 'react'
import {
  type TextFieldProps as AriaProps,
  TextField as AriaTextField,
  FieldError,
  Input,
  Label,
  Text,
} from 'react-aria-components'
import './field.css'

export interface TextFieldProps extends Omit<AriaProps, 'className' | 'style' | 'children'> {
  /** Visible label; leave it out only together with `aria-label`. */
  readonly label?: string
  readonly hint?: ReactNode
  /** Makes the field invalid and says why. */
  readonly error?: string | undefined
  readonly placeholder?: string
  /** For digests, folders, keys. */
  readonly mono?: boolean
  /** A control at the right end, e.g. a button. */
  readonly after?: ReactNode
}

/** One line of text. */
export function TextField({ label, hint, error, placeholder, mono = false, after, ...rest }: TextFieldProps) {
  return (
    <AriaTextField {...rest} isInvalid={rest.isInvalid ?? error !== undefined} className="Field">
      {label === undefined ? null : <Label className="Field-label">{label}</Label>}
      <div className="Field-row">
        <Input className={`Field-control${mono ? ' Field-mono' : ''}`} placeholder={placeholder} />
        {after}
      </div>
      {hint === undefined ? null : (
        <Text slot="description" className="Field-hint">
          {hint}
        </Text>
      )}
      <FieldError className="Field-error">{error}</FieldError>
    </AriaTextField>
  )
}
