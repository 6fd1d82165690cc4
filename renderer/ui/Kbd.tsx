import type { ReactNode } from 'react'
import './kbd.css'

/** A key or a key combination, as printed on the keyboard. */
export function Kbd({ children }: { readonly children: ReactNode }) {
  return <kbd className="Kbd">{children}</kbd>
}
