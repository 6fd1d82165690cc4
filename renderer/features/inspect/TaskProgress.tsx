import { progressFacts, progressShare } from '#shared/figures/progressFacts.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { dotted } from '../../ui/dotted.ts'
import { figures } from '../../ui/format.ts'
import { ProgressBar } from '../../ui/ProgressBar.tsx'

/** A running call in words and as a bar: phase, how far, how fast, how long still. Only what was measured is shown. */
export function TaskProgress({
  progress,
  fallback,
}: {
  readonly progress: Progress | null
  readonly fallback: string
}) {
  if (progress === null) return <ProgressBar label={fallback} value={null} />
  const { phase } = progress
  return (
    <ProgressBar
      label={phase.charAt(0).toUpperCase() + phase.slice(1)}
      value={progressShare(progress)}
      note={dotted(...progressFacts(progress, figures))}
    />
  )
}
