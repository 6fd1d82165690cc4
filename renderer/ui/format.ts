/** How figures read, everywhere the same: decimal units, no false precision, marks as the person's own language sets them. */

/** That of the window; number fields read the same. Outside of one, English. */
const LOCALE = typeof document === 'undefined' ? 'en-US' : localeOf(navigator.language)

/** A language tag as browsers give it; some give none that is valid (`en-US@posix`). */
export function localeOf(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? 'en-US'
  } catch {
    return 'en-US'
  }
}

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })
const exact = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 6 })
const short = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 1 })
const fixed = Array.from(
  { length: 9 },
  (_, digits) => new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
)

/** `0.1500`: with exactly so many digits after the mark, eight at most. */
export function formatFixed(value: number, digits: number): string {
  return (fixed[digits] ?? exact).format(value)
}

/** `1,234.5`, `0.15`: as it was given, to six digits after the mark. */
export function formatNumber(value: number): string {
  return exact.format(value)
}

/** `950`, `18.8K`, `2.1M`: for axes, where space matters more than the last digit. */
export function formatShort(value: number): string {
  return short.format(value)
}

/** `12,480`. */
export function formatCount(value: number): string {
  return whole.format(value)
}

/** `12,480`, from a million on `2.67 M`, from a billion on `1.20 B`. */
export function formatTokens(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e9) return `${formatFixed(value / 1e9, 2)} B`
  if (size >= 1e6) return `${formatFixed(value / 1e6, 2)} M`
  return whole.format(value)
}

/** How much a cartridge has read: `1,204 tok`. A mix of states has no text of its own, so it says `a mix`. */
export function formatRead(tokens: number, unit = 'tok'): string {
  return tokens === 0 ? 'a mix' : `${formatTokens(tokens)} ${unit}`
}

/** `812 B`, `2.8 MB`: decimal units, as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || Math.abs(value) >= 99.95 ? 0 : 1
  return `${formatFixed(value, digits)} ${units[unit]}`
}

/** `4 ms`, `0.21 s`, `12.5 s`, `58 min`, `3.2 h`. */
export function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds)
  if (size === 0) return '0 s'
  if (size < 0.001) return '<1 ms'
  if (size < 0.1) return `${Math.round(seconds * 1000)} ms`
  if (size < 10) return `${formatFixed(seconds, 2)} s`
  if (size < 100) return `${formatFixed(seconds, 1)} s`
  if (size < 7200) return `${Math.round(seconds / 60)} min`
  return `${formatFixed(seconds / 3600, 1)} h`
}

/** `8 s left`, for estimates: never finer than a second. */
export function formatEta(seconds: number): string {
  if (seconds < 1) return 'less than a second left'
  return seconds < 100 ? `${Math.ceil(seconds)} s left` : `${Math.ceil(seconds / 60)} min left`
}

/** `$6.68`; below ten cents with the digits that matter: `$0.0447`. */
export function formatMoney(dollars: number): string {
  const size = Math.abs(dollars)
  if (size === 0) return '$0'
  const digits = size >= 0.1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(size)) + 1)
  return `${dollars < 0 ? '-' : ''}$${formatFixed(size, digits)}`
}

/** `95.3 %` of a percentage (not of a fraction). */
export function formatPercent(percent: number): string {
  return `${formatFixed(percent, Math.abs(percent) >= 99.95 || percent === 0 ? 0 : 1)} %`
}

/** `1,204 tok/s`, `31.2 tok/s`. */
export function formatRate(perSecond: number, unit = 'tok'): string {
  return `${perSecond >= 100 ? whole.format(perSecond) : formatFixed(perSecond, 1)} ${unit}/s`
}

/** `sha256:9f2c…e41a`; ids of another form keep their own beginning, and words are left whole. */
export function shortDigest(digest: string): string {
  if (/\s/.test(digest)) return digest
  const head = digest.startsWith('sha256:') ? 11 : 8
  return digest.length <= head + 5 ? digest : `${digest.slice(0, head)}…${digest.slice(-4)}`
}

/** `just now`, `5 min ago`, `yesterday`, then the date. */
export function formatAgo(iso: string, now: number = Date.now()): string {
  const then = Date.parse(iso)
  if (Number.isNaN(then)) return iso
  const minutes = Math.round((now - then) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  if (minutes < 24 * 60) return `${Math.round(minutes / 60)} h ago`
  if (minutes < 48 * 60) return 'yesterday'
  return new Date(then).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
}
