import { TriangleAlert } from 'lucide-react'
import { Button } from './Button.tsx'
import { describeError } from './describeError.ts'
import { RemedyButton } from './RemedyButton.tsx'
import './panel.css'

export interface ErrorPanelProps {
  readonly error: unknown
  /** What this place can do about it, besides what helps with an error of this kind anywhere. */
  readonly action?: { readonly label: string; readonly onPress: () => void } | undefined
}

/** The one error surface: what happened, what it means, the button that helps; the machine's words are folded. */
export function ErrorPanel({ error, action }: ErrorPanelProps) {
  const text = describeError(error)
  return (
    <div className="ErrorPanel" role="alert">
      <TriangleAlert aria-hidden />
      <div className="ErrorPanel-body">
        <h3>{text.what}</h3>
        {text.particular === null ? null : <p className="ErrorPanel-particular">{text.particular}</p>}
        <p className="ErrorPanel-meaning">{text.meaning}</p>
        <div className="ErrorPanel-foot">
          <RemedyButton action={text.action} again={action?.onPress} />
          {action === undefined ? null : (
            <Button size="s" onPress={action.onPress}>
              {action.label}
            </Button>
          )}
        </div>
        <details className="ErrorPanel-details">
          <summary>Details</summary>
          <code>{[text.code, ...text.raw].join('\n')}</code>
        </details>
      </div>
    </div>
  )
}
