import type { ReactNode } from 'react'
import './panel.css'

export interface EmptyStateProps {
  readonly icon: ReactNode
  readonly title: string
  /** Teaches: what will be here, and how it comes about. */
  readonly children: ReactNode
  readonly actions?: ReactNode
}

/** What a place shows while it holds nothing. */
export function EmptyState({ icon, title, children, actions }: EmptyStateProps) {
  return (
    <div className="Empty">
      <span className="Empty-art" aria-hidden>
        {icon}
      </span>
      <h2>{title}</h2>
      <p>{children}</p>
      {actions === undefined ? null : <div className="Empty-actions">{actions}</div>}
    </div>
  )
}
