import type { JobView } from '#shared/rpc/methods/jobs.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { formatBytes, formatCount, formatEta, formatRate } from '../../ui/format.ts'

const amount = (value: number, unit: Progress['unit']) => (unit === 'bytes' ? formatBytes(value) : formatCount(value))

/** `1,204 of 3,000 tokens`, `1,204 tok/s`, `8 s left`: what is known of a running job. */
export function progressFacts({ done, total, unit, rate, etaSeconds }: Progress): string[] {
  return [
    ...(done === undefined || total === undefined
      ? []
      : [`${amount(done, unit)} of ${amount(total, unit)}${unit === 'tokens' ? ' tokens' : ''}`]),
    ...(rate === undefined
      ? []
      : [unit === 'bytes' ? `${formatBytes(rate)}/s` : formatRate(rate, unit === 'tokens' ? 'tok' : (unit ?? ''))]),
    ...(etaSeconds === undefined ? [] : [formatEta(etaSeconds)]),
  ]
}

/** What a job is doing, in a word or two. */
export function phaseOf({ progress, task, packetIds }: JobView): string {
  const doing = progress?.phase ?? (task.kind === 'download' ? 'asking for it' : 'opening')
  const part =
    progress?.part === undefined || packetIds.length > 0 ? '' : ` part ${progress.part.number} of ${progress.part.of}`
  return `${doing}${part}`
}

/** How far a job is, 0 to 1; null while nobody knows. */
export function shareOf({ progress }: JobView): number | null {
  const { done, total, part = { number: 1, of: 1 } } = progress ?? {}
  if (done === undefined || total === undefined || total === 0) return null
  return (part.number - 1 + Math.min(1, done / total)) / part.of
}
