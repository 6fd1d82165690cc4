import { progressShare } from '#shared/figures/progressFacts.ts'
import type { JobView } from '#shared/rpc/methods/jobs.ts'

/** What a job is doing, in a word or two. */
export function phaseOf({ progress, task, packetIds }: JobView): string {
  const doing = progress?.phase ?? (task.kind === 'download' ? 'asking for it' : 'opening')
  const part =
    progress?.part === undefined || packetIds.length > 0 ? '' : ` part ${progress.part.number} of ${progress.part.of}`
  return `${doing}${part}`
}

/** How far a job is, 0 to 1; null while nobody knows. */
export function shareOf({ progress }: JobView): number | null {
  const share = progressShare(progress)
  const { number, of } = progress?.part ?? { number: 1, of: 1 }
  return share === null ? null : (number - 1 + share) / of
}
