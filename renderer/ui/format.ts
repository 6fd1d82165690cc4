import { createFigures } from '#shared/figures/createFigures.ts'
import { localeOf } from '#shared/figures/localeOf.ts'

/** Figures in the language of the window; number fields read the same. Outside of one, English. */
export const figures = createFigures(typeof document === 'undefined' ? 'en-US' : localeOf(navigator.language))

export const {
  formatAgo,
  formatBytes,
  formatClock,
  formatCount,
  formatDay,
  formatEta,
  formatFixed,
  formatHour,
  formatMoment,
  formatMoney,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatRead,
  formatSaving,
  formatSeconds,
  formatShort,
  formatSignificant,
  formatTokens,
} = figures

/** `sha256:9f2c…e41a`; ids of another form keep their own beginning, and words are left whole. */
export function shortDigest(digest: string): string {
  if (/\s/.test(digest)) return digest
  const head = digest.startsWith('sha256:') ? 11 : 8
  return digest.length <= head + 5 ? digest : `${digest.slice(0, head)}…${digest.slice(-4)}`
}
