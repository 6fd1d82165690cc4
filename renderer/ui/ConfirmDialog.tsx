import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { Button } from './Button.tsx'
import { Dialog, type DialogProps } from './Dialog.tsx'
import { ErrorPanel } from './ErrorPanel.tsx'

export interface ConfirmDialogProps extends Pick<DialogProps, 'title' | 'size' | 'onClose' | 'children'> {
  /** What is done, as a verb. */
  readonly action: string
  /** What leaves everything as it is. */
  readonly cancel?: string
  /** It cannot be taken back at once. */
  readonly danger?: boolean
  /** All that it needs is there. */
  readonly isReady?: boolean
  /** Closes when it is done; resolved with false, it stays open, and what it throws is shown. */
  readonly onConfirm: () => Promise<unknown> | unknown
}

/** Asks before something is done, with the fields it needs. Enter in a field does it, Esc does not. */
export function ConfirmDialog({
  action,
  cancel = 'Cancel',
  danger = false,
  isReady = true,
  onConfirm,
  onClose,
  children,
  ...dialog
}: ConfirmDialogProps): ReactNode {
  const form = useId()
  const [isPending, setPending] = useState(false)
  const [error, setError] = useState<unknown>(null)
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!isReady || isPending) return
    setPending(true)
    setError(null)
    try {
      if ((await onConfirm()) !== false) onClose()
    } catch (thrown) {
      setError(thrown)
    } finally {
      setPending(false)
    }
  }
  return (
    <Dialog
      {...dialog}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{cancel}</Button>
          <Button
            variant={danger ? 'danger' : 'primary'}
            type="submit"
            form={form}
            isDisabled={!isReady}
            isPending={isPending}
          >
            {action}
          </Button>
        </>
      }
    >
      <form id={form} className="stack" onSubmit={event => void submit(event)}>
        {children}
        {error === null ? null : <ErrorPanel error={error} />}
      </form>
    </Dialog>
  )
}
