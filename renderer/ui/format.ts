import { createFigures } from '#shared/figures/createFigures.ts'
import { localeOf } from '#shared/figures/localeOf.ts'
import { NO_BREAK } from './noBreak.ts'

/** Figures in the language of the window, each on one line with its unit; number fields read the same. Outside of one, English. */
export const figures = createFigures(typeof document === 'undefined' ? 'en-US' : localeOf(navigator.language), NO_BREAK)

export const {
  formatAgo,
  formatBytes,
  formatClock,
  formatCount,
  formatCounted,
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
  formatUnit,
} = figures

/** `sha256:9f2c…e41a`; ids of another form keep their own beginning, and words are left whole. */
export function shortDigest(digest: string): string {
  if (/\s/.test(digest)) return digest
  const head = digest.startsWith('sha256:') ? 11 : 8
  return digest.length <= head + 5 ? digest : `${digest.slice(0, head)}…${digest.slice(-4)}`
}
