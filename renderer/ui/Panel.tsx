import type { ReactNode } from 'react'
import './panel.css'

export interface PanelProps {
  readonly title?: ReactNode
  /** Beside the title, quieter. */
  readonly note?: ReactNode
  /** Controls at the right of the title. */
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** A bordered surface with a heading: the building block of every page. */
export function Panel({ title, note, actions, children }: PanelProps) {
  return (
    <section className="Panel">
      {title === undefined && actions === undefined ? null : (
        <header className="Panel-head">
          {title === undefined ? null : <h2>{title}</h2>}
          {note === undefined ? null : <span className="Panel-note">{note}</span>}
          <span className="grow" />
          {actions}
        </header>
      )}
      {children}
    </section>
  )
}
