import { formatCount, formatFixed, formatPercent, formatUnit } from '../../ui/format.ts'

/** How surprising a token was, in a few steps one can tell apart, and how bits read. */

export interface SurpriseLevel {
  readonly level: 0 | 1 | 2 | 3 | 4
  readonly label: string
  /** Bits below which a token belongs to this level. */
  readonly below: number
  readonly range: string
}

/** One bit: the model gave it half or more. Ten bits: less than one in a thousand. */
export const SURPRISE_LEVELS = [
  { level: 0, label: 'Expected', below: 1, range: 'under 1 bit' },
  { level: 1, label: 'Likely', below: 3, range: '1 to 3 bits' },
  { level: 2, label: 'Open', below: 6, range: '3 to 6 bits' },
  { level: 3, label: 'Unlikely', below: 10, range: '6 to 10 bits' },
  { level: 4, label: 'A surprise', below: Number.POSITIVE_INFINITY, range: '10 bits or more' },
] as const satisfies readonly SurpriseLevel[]

/** The level of a token; null for the first of a context, which nothing predicts. */
export function surpriseLevel(bits: number | null): SurpriseLevel | null {
  return bits === null ? null : (SURPRISE_LEVELS.find(entry => bits < entry.below) ?? SURPRISE_LEVELS[4])
}

/** `0.02 bits`, `3.41 bits`, `128 bits`. */
export function formatBits(bits: number): string {
  // `-log2(1)` is a negative zero.
  const value = Math.max(0, bits)
  return formatUnit(value >= 100 ? formatCount(value) : formatFixed(value, value >= 10 ? 1 : 2), 'bits')
}

/** A probability with the digits that matter: `99.8 %`, `0.31 %`, `1 in 48,000`. */
export function formatProbability(probability: number): string {
  if (probability >= 0.1) return formatPercent(100 * probability)
  if (probability >= 0.001) return formatPercent(100 * probability, 2)
  return probability > 0 ? `1 in ${formatCount(1 / probability)}` : formatPercent(0)
}
