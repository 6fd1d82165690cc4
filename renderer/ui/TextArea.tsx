import type { ReactNode } from 'react'
import {
  type TextFieldProps as AriaProps,
  TextArea as AriaTextArea,
  TextField as AriaTextField,
  FieldError,
  Label,
  Text,
} from 'react-aria-components'
import './field.css'

export interface TextAreaProps extends Omit<AriaProps, 'className' | 'style' | 'children'> {
  readonly label?: string
  readonly hint?: ReactNode
  readonly error?: string | undefined
  readonly placeholder?: string
  readonly rows?: number
  readonly mono?: boolean
}

/** Several lines of text. */
export function TextArea({ label, hint, error, placeholder, rows = 4, mono = false, ...rest }: TextAreaProps) {
  return (
    <AriaTextField {...rest} isInvalid={rest.isInvalid ?? error !== undefined} className="Field">
      {label === undefined ? null : <Label className="Field-label">{label}</Label>}
      <AriaTextArea
        className={`Field-control${mono ? ' Field-mono' : ''}`}
        placeholder={placeholder}
        rows={rows}
        spellCheck={false}
      />
      {hint === undefined ? null : (
        <Text slot="description" className="Field-hint">
          {hint}
        </Text>
      )}
      <FieldError className="Field-error">{error}</FieldError>
    </AriaTextField>
  )
}
