import { Toaster, toast } from 'sonner'
import { describeError } from './describeError.ts'
import './toasts.css'

/** Says that something was done. */
export function toastDone(message: string, description?: string): void {
  toast.success(message, { description, duration: 3500 })
}

/** Says something worth knowing that is neither done nor wrong. */
export function toastNote(message: string, description?: string): void {
  toast(message, { description, duration: 8000 })
}

/** Says that something was done and offers to take it back for eight seconds. */
export function toastUndo(message: string, undo: () => void): void {
  toast(message, { duration: 8000, action: { label: 'Undo', onClick: undo } })
}

/** Says that something went wrong and what it means. For failures of what fills a place, use ErrorPanel there. */
export function toastError(thrown: unknown): void {
  const text = describeError(thrown)
  if (text.code === 'E_CANCELLED') return
  const { action } = text
  toast.error(text.what, {
    description: [text.particular, text.meaning].filter(Boolean).join(' '),
    duration: 8000,
    ...(action.do === 'open'
      ? { action: { label: action.label, onClick: () => location.assign(`#${action.route}`) } }
      : {}),
  })
}

/** Where toasts appear; mounted once. F8 moves focus there. */
export function Toasts({ theme }: { readonly theme: 'light' | 'dark' }) {
  return <Toaster theme={theme} position="top-center" hotkey={['F8']} className="Toasts" closeButton />
}
