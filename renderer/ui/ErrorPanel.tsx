import { TriangleAlert } from 'lucide-react'
import { Button } from './Button.tsx'
import { describeError } from './describeError.ts'
import { HelpButton } from './HelpButton.tsx'
import './panel.css'

export interface ErrorPanelProps {
  readonly error: unknown
  /** The one thing to do about it. */
  readonly action?: { readonly label: string; readonly onPress: () => void } | undefined
}

/** The one error surface: what happened, what it means, one button. */
export function ErrorPanel({ error, action }: ErrorPanelProps) {
  const text = describeError(error)
  return (
    <div className="ErrorPanel" role="alert">
      <TriangleAlert aria-hidden />
      <div className="ErrorPanel-body">
        <h3>{text.what}</h3>
        <p className="ErrorPanel-meaning">{text.meaning}</p>
        <div className="ErrorPanel-foot">
          <HelpButton code={text.code} onDone={action?.onPress} />
          {action === undefined ? null : (
            <Button size="s" onPress={action.onPress}>
              {action.label}
            </Button>
          )}
          <code>{text.code}</code>
        </div>
      </div>
    </div>
  )
}
