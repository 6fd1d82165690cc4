import type { ReactNode } from 'react'

/** One setting: what it is, and what it is set with. */
export function SettingRow({
  label,
  hint,
  children,
}: {
  readonly label: string
  readonly hint?: string
  readonly children: ReactNode
}) {
  return (
    <div className="SettingRow">
      <div>
        <b>{label}</b>
        {hint === undefined ? null : <p className="small muted">{hint}</p>}
      </div>
      <div className="SettingRow-control">{children}</div>
    </div>
  )
}
