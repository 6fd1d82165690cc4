import type { Progress } from '#shared/rpc/progress.ts'
import { formatBytes, formatCount, formatEta, formatRate } from '../../ui/format.ts'
import { ProgressBar } from '../../ui/ProgressBar.tsx'

const UNITS = { tokens: 'tok', bytes: 'B', items: 'items' } as const

function amount(value: number, unit: Progress['unit']): string {
  return unit === 'bytes' ? formatBytes(value) : formatCount(value)
}

/** A running call in words and as a bar: phase, how far, how fast, how long still. Only what was measured is shown. */
export function TaskProgress({
  progress,
  fallback,
}: {
  readonly progress: Progress | null
  readonly fallback: string
}) {
  if (progress === null) return <ProgressBar label={fallback} value={null} />
  const { phase, done, total, unit, rate, etaSeconds } = progress
  const note = [
    done === undefined
      ? null
      : total === undefined
        ? amount(done, unit)
        : `${amount(done, unit)} of ${amount(total, unit)}`,
    rate === undefined ? null : unit === 'bytes' ? `${formatBytes(rate)}/s` : formatRate(rate, UNITS[unit ?? 'items']),
    etaSeconds === undefined ? null : formatEta(etaSeconds),
  ].filter(part => part !== null)
  return (
    <ProgressBar
      label={phase.charAt(0).toUpperCase() + phase.slice(1)}
      value={done === undefined || total === undefined || total === 0 ? null : done / total}
      note={note.join(' · ')}
    />
  )
}
