import type { ReactNode } from 'react'
import './panel.css'

export interface StatProps {
  readonly label: string
  readonly value: ReactNode
  /** Below the number: where it comes from, or its share. */
  readonly note?: ReactNode
  readonly tone?: 'ok' | 'warn' | 'bad' | 'muted'
}

/** A number that is the point of its page. Put several into `<div className="Stats">`. */
export function Stat({ label, value, note, tone = 'muted' }: StatProps) {
  return (
    <div className="Stat">
      <span className="Stat-label">{label}</span>
      <b className="Stat-value">{value}</b>
      {note === undefined ? null : <span className={`Stat-note Stat-note--${tone}`}>{note}</span>}
    </div>
  )
}
