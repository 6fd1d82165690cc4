import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './IconButton.tsx'
import './dialog.css'

export interface SheetProps {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly footer?: ReactNode
  readonly children: ReactNode
}

/** A tall panel from the right, for reviewing something before deciding. Closes with Esc. */
export function Sheet({ title, isOpen, onClose, footer, children }: SheetProps) {
  return (
    <ModalOverlay
      className="Overlay Overlay--sheet"
      isOpen={isOpen}
      isDismissable
      onOpenChange={open => {
        if (!open) onClose()
      }}
    >
      <Modal className="Sheet">
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
