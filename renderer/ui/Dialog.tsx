import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './IconButton.tsx'
import './dialog.css'

export interface DialogProps {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  /** `s` 420 px for a question, `m` 560 px for a form, `l` 820 px for a view. */
  readonly size?: 's' | 'm' | 'l'
  /** Buttons, right-aligned, the one to do last. */
  readonly footer?: ReactNode
  readonly children: ReactNode
}

/** A window within the window: takes focus, gives it back, closes with Esc. */
export function Dialog({ title, isOpen, onClose, size = 's', footer, children }: DialogProps) {
  return (
    <ModalOverlay
      className="Overlay"
      isOpen={isOpen}
      isDismissable
      onOpenChange={open => {
        if (!open) onClose()
      }}
    >
      <Modal className={`Dialog Dialog--${size}`}>
        <AriaDialog className="Dialog-inner">
          <header className="Dialog-head">
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <span className="grow" />
            <IconButton label="Close" onPress={onClose}>
              <X aria-hidden />
            </IconButton>
          </header>
          <div className="Dialog-body">{children}</div>
          {footer === undefined ? null : <footer className="Dialog-foot">{footer}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}
