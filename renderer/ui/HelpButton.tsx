import { useContext } from 'react'
import type { ErrorCode } from '#shared/domain/error.ts'
import { StudioContext } from '../stores/studio.ts'
import { Button } from './Button.tsx'
import { toastError } from './toasts.tsx'

/** Errors that another place of the window mends. */
const PLACES: Partial<Record<ErrorCode, { readonly label: string; readonly route: string }>> = {
  E_UNKNOWN_MODEL: { label: 'Open Models', route: '/models' },
  E_MODEL_CONFIG: { label: 'Open Models', route: '/models' },
  E_MODEL_WEIGHTS: { label: 'Open Models', route: '/models' },
  E_MODEL_OFFLINE: { label: 'Open Models', route: '/models' },
  E_RECEIPT_LOG: { label: 'Open Receipts', route: '/receipts' },
  E_RESTRICTED: { label: 'Open the library', route: '/library' },
}

/** The button that mends an error of this kind, where there is one; `onDone` tries again. */
export function HelpButton({ code, onDone }: { readonly code: ErrorCode; readonly onDone: (() => void) | undefined }) {
  const studio = useContext(StudioContext)
  if (code === 'E_DEVICE' && studio !== null) {
    const change = () => studio.settings.getState().change({ device: 'cpu' })
    return (
      <Button size="s" variant="primary" onPress={() => void change().then(onDone, toastError)}>
        Use the processor
      </Button>
    )
  }
  const place = PLACES[code]
  if (place === undefined) return null
  return (
    // An address, not a route: errors are also shown outside of the router.
    <Button size="s" onPress={() => location.assign(`#${place.route}`)}>
      {place.label}
    </Button>
  )
}
