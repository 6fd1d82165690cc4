import { formatBytes } from '../../ui/format.ts'

export interface Segment {
  readonly label: string
  readonly bytes: number
  /** The part left empty is `free`. */
  readonly tone: 'hot' | 'warm' | 'cold' | 'kept' | 'weights' | 'rest' | 'free'
}

/** A bar whose parts fill it in proportion, and the same figures in words below. */
export function StackBar({ label, segments }: { readonly label: string; readonly segments: readonly Segment[] }) {
  const total = Math.max(
    1,
    segments.reduce((sum, { bytes }) => sum + bytes, 0),
  )
  return (
    <div className="StackBar">
      <div className="StackBar-track" aria-hidden>
        {segments.map(({ label, bytes, tone }) =>
          bytes === 0 || tone === 'free' ? null : (
            <span key={label} data-tone={tone} style={{ width: `${(bytes / total) * 100}%` }} />
          ),
        )}
      </div>
      <ul className="StackBar-legend" aria-label={label}>
        {segments.map(({ label, bytes, tone }) => (
          <li key={label} data-tone={tone}>
            {label} <b>{formatBytes(bytes)}</b>
          </li>
        ))}
      </ul>
    </div>
  )
}
