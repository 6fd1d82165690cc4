import { Children, Fragment, type ReactNode } from 'react'
import { DOT } from './dotted.ts'

/** What {@link dotted} does, of elements. */
export function Dots({ children }: { readonly children: ReactNode }) {
  const parts = Children.toArray(children).filter(part => part !== '')
  return parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of a line have no other name than their place
    <Fragment key={index}>
      {index === 0 ? null : DOT}
      {part}
    </Fragment>
  ))
}
