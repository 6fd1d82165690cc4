import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './IconButton.tsx'
import './dialog.css'

export interface ModalFrameProps {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly footer?: ReactNode
  readonly children: ReactNode
}

/** What Dialog and Sheet share: takes focus, gives it back, closes with Esc or a press outside. */
export function ModalFrame({
  overlayClass,
  modalClass,
  title,
  isOpen,
  onClose,
  footer,
  children,
}: ModalFrameProps & { readonly overlayClass: string; readonly modalClass: string }) {
  return (
    <ModalOverlay
      className={overlayClass}
      isOpen={isOpen}
      isDismissable
      onOpenChange={open => {
        if (!open) onClose()
      }}
    >
      <Modal className={modalClass}>
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
