import { ModalFrame, type ModalFrameProps } from './ModalFrame.tsx'

export interface DialogProps extends ModalFrameProps {
  /** `s` 420 px for a question, `m` 560 px for a form, `l` 820 px for a view. */
  readonly size?: 's' | 'm' | 'l'
}

/** A window within the window: takes focus, gives it back, closes with Esc. */
export function Dialog({ size = 's', ...frame }: DialogProps) {
  return <ModalFrame {...frame} overlayClass="Overlay" modalClass={`Dialog Dialog--${size}`} />
}
