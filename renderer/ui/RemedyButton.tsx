import { useContext } from 'react'
import { StudioContext } from '../stores/studio.ts'
import { changeSettings } from '../stores/useSettings.ts'
import { Button } from './Button.tsx'
import type { ErrorRemedy } from './errorText.ts'
import { toastError } from './toasts.tsx'

export interface RemedyButtonProps {
  readonly action: ErrorRemedy
  /** Tries again what failed once it is mended, where the place that shows the error can. */
  readonly again: (() => void) | undefined
  /** One of many in a list, where a loud button each would shout. */
  readonly isQuiet?: boolean
}

/** The button that helps with an error; none where the place's own button is the one, or one is there already. */
export function RemedyButton({ action, again, isQuiet = false }: RemedyButtonProps) {
  const studio = useContext(StudioContext)
  if (action.do === 'again') return null
  const press = {
    reloadWindow: () => location.reload(),
    // An address, not a route: errors are also shown outside of the router.
    open:
      action.do !== 'open' || location.hash.split('?')[0] === `#${action.route}`
        ? undefined
        : () => location.assign(`#${action.route}`),
    useProcessor:
      studio === null ? undefined : () => void changeSettings(studio, { device: 'cpu' }).then(again, toastError),
  }[action.do]
  if (press === undefined) return null
  return (
    <Button size="s" variant={isQuiet ? 'quiet' : 'primary'} onPress={press}>
      {action.label}
    </Button>
  )
}
