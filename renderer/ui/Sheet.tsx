import { ModalFrame, type ModalFrameProps } from './ModalFrame.tsx'

/** A tall panel from the right, for reviewing something before deciding. Closes with Esc. */
export function Sheet(props: ModalFrameProps) {
  return <ModalFrame {...props} overlayClass="Overlay Overlay--sheet" modalClass="Sheet" />
}
