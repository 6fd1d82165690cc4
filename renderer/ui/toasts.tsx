import { Toaster, toast } from 'sonner'
import { describeError } from './describeError.ts'
import './toasts.css'

/** Says that something was done. */
export function toastDone(message: string, description?: string): void {
  toast.success(message, { description, duration: 3500 })
}

/** Says something worth knowing that is neither done nor wrong, and offers what can be done about it. */
export function toastNote(
  message: string,
  description?: string,
  action?: { readonly label: string; readonly onClick: () => void },
): void {
  toast(message, { description, duration: 8000, action })
}

/** Says that something runs, wherever one is, and lets it be stopped. */
export function toastRunning(
  message: string,
  cancel: () => void,
): { readonly tell: (state: string) => void; readonly end: () => void } {
  const options = { duration: Number.POSITIVE_INFINITY, action: { label: 'Cancel', onClick: cancel } }
  const id = toast.loading(message, options)
  return {
    tell: description => void toast.loading(message, { ...options, id, description }),
    end: () => void toast.dismiss(id),
  }
}

let undoable: { readonly message: string; readonly undo: () => void } | null = null

/** Says that something was done and offers to take it back, for eight seconds here and until the next such thing by Ctrl+Z. */
export function toastUndo(message: string, undo: () => void): void {
  const id = toast(message, { duration: 8000, action: { label: 'Undo', onClick: () => undoLast() } })
  undoable = {
    message,
    undo: () => {
      toast.dismiss(id)
      undo()
    },
  }
}

/** What Ctrl+Z would take back, in words; null for nothing. */
export function lastUndoable(): string | null {
  return undoable?.message ?? null
}

/** Takes back the last thing that can be, wherever it was done; false when there is none. */
export function undoLast(): boolean {
  const last = undoable
  undoable = null
  last?.undo()
  return last !== null
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
