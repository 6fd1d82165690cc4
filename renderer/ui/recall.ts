import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import type { Tone } from './Badge.tsx'
import type { Fact } from './Facts.tsx'

/** What was measured of a cartridge's memory, as a row of facts; none where nothing could be checked. */
export function recallFacts({ spotChecks }: Pick<CartridgeSummary, 'spotChecks'>): Fact[] {
  if (spotChecks === null || spotChecks.checked === 0) return []
  const { recalled, checked } = spotChecks
  return [{ label: 'Recalls', value: `${recalled} of ${checked} of its sentences, measured` }]
}

/** The same in two words, and how good that is. */
export function recallBadge({ spotChecks }: Pick<CartridgeSummary, 'spotChecks'>): readonly [Tone, string] | null {
  if (spotChecks === null || spotChecks.checked === 0) return null
  const { recalled, checked } = spotChecks
  const share = recalled / checked
  return [share >= 0.7 ? 'ok' : share >= 0.4 ? 'muted' : 'warn', `Recalls ${recalled} of ${checked}`]
}
