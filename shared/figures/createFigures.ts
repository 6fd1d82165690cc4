/**
 * How figures read, everywhere the same: decimal units, no false precision, marks as a language sets them. The window takes
 * those of the person's language, the command line and what the engine writes take {@link ENGLISH}.
 */
import { createTimes } from './createTimes.ts'

export type Figures = ReturnType<typeof createFigures>

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const
const FEW = 8

/** `gap` stands between a number and its unit: in a window a space at which no line breaks. */
export function createFigures(locale: string, gap = ' ') {
  const format = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options).format
  const whole = format({ maximumFractionDigits: 0 })
  const exact = format({ maximumFractionDigits: 6 })
  const compact = format({ notation: 'compact', maximumFractionDigits: 1 })
  const rounded = format({ notation: 'compact', maximumSignificantDigits: 3 })
  const fixed = Array.from({ length: FEW + 1 }, (_, digits) =>
    format({ minimumFractionDigits: digits, maximumFractionDigits: digits }),
  )
  const significant = Array.from({ length: FEW }, (_, digits) => format({ maximumSignificantDigits: digits + 1 }))
  const scientific = Array.from({ length: FEW }, (_, digits) =>
    format({ notation: 'scientific', maximumSignificantDigits: digits + 1 }),
  )
  const formatFixed = (value: number, digits: number) => (fixed[digits] ?? exact)(value)

  /** `950`, `18.8K`, `2.1M`: for axes, where space matters more than the last digit. */
  const formatShort = (value: number) => compact(value)

  /** `12,480`. */
  const formatCount = (value: number) => whole(value)

  /** `1 token`, `12,480 tokens`; `many` where it takes more than an s. */
  const formatCounted = (value: number, one: string, many = `${one}s`) =>
    `${whole(value)}${gap}${value === 1 ? one : many}`

  /** `12,480`, from a million on `2.67 M`, from a billion on `1.20 B`; with a unit, where one is said. */
  function formatTokens(value: number, unit = ''): string {
    const size = Math.abs(value)
    const end = unit === '' ? '' : `${gap}${unit}`
    if (size >= 1e9) return `${formatFixed(value / 1e9, 2)}${gap}B${end}`
    if (size >= 1e6) return `${formatFixed(value / 1e6, 2)}${gap}M${end}`
    return `${whole(value)}${end}`
  }

  /** `812 B`, `2.8 MB`: decimal units, as disks are sold. */
  function formatBytes(bytes: number): string {
    let value = bytes
    let unit = 0
    while (Math.abs(value) >= 999.5 && unit < BYTE_UNITS.length - 1) {
      value /= 1000
      unit += 1
    }
    const digits = unit === 0 || Math.abs(value) >= 99.95 ? 0 : 1
    return `${formatFixed(value, digits)}${gap}${BYTE_UNITS[unit]}`
  }

  /** `4 ms`, `0.21 s`, `12.5 s`, `58 min`, `3.2 h`. */
  function formatSeconds(seconds: number): string {
    const size = Math.abs(seconds)
    if (size === 0) return `0${gap}s`
    if (size < 0.001) return `<${whole(1)}${gap}ms`
    if (size < 0.1) return `${whole(seconds * 1000)}${gap}ms`
    if (size < 10) return `${formatFixed(seconds, 2)}${gap}s`
    if (size < 100) return `${formatFixed(seconds, 1)}${gap}s`
    if (size < 7200) return `${whole(seconds / 60)}${gap}min`
    return `${formatFixed(seconds / 3600, 1)}${gap}h`
  }

  /** `$6.68`; below ten cents with the digits that matter: `$0.0447`. */
  function formatMoney(dollars: number): string {
    const size = Math.abs(dollars)
    if (size === 0) return '$0'
    const digits = size >= 0.1 ? 2 : Math.min(FEW, 1 - Math.floor(Math.log10(size)) + 1)
    return `${dollars < 0 ? '-' : ''}$${formatFixed(size, digits)}`
  }

  /** A number as it was formatted, and the unit that it is in: `3.41 bits`. */
  const formatUnit = (number: string, unit: string) => `${number}${gap}${unit}`

  /** `95.3 %` of a percentage (not of a fraction), or with so many digits after the mark. */
  const formatPercent = (percent: number, digits = Math.abs(percent) >= 99.95 || percent === 0 ? 0 : 1) =>
    formatUnit(formatFixed(percent, digits), '%')

  return {
    ...createTimes(locale, whole, gap),
    formatShort,
    formatCount,
    formatCounted,
    formatTokens,
    formatUnit,
    formatBytes,
    formatSeconds,
    formatMoney,
    formatPercent,
    /** `124M`, `1.24B`: of a model's parameters. */
    formatParameters: (value: number) => rounded(value),
    /** `0.1500`: with exactly so many digits after the mark, eight at most. */
    formatFixed,
    /** `1,234.5`, `0.15`: as it was given, to six digits after the mark. */
    formatNumber: (value: number) => exact(value),
    /** A measured value with the digits that matter, however small: `0.0312`, `12.3`, `4.1E-6`. Eight digits at most. */
    formatSignificant(value: number, digits: number): string {
      const small = value !== 0 && Math.abs(value) < 0.0001
      return (small ? scientific : significant)[digits - 1]?.(value) ?? exact(value)
    },
    /** How much a cartridge has read: `1,204 tok`. A mix of states has no text of its own, so it says `a mix`. */
    formatRead: (tokens: number, unit = 'tok') => (tokens === 0 ? 'a mix' : formatTokens(tokens, unit)),
    /** `1,204 tok/s`, `31.2 tok/s`. */
    formatRate: (perSecond: number, unit = 'tok') =>
      `${perSecond >= 100 ? whole(perSecond) : formatFixed(perSecond, 1)}${gap}${unit}/s`,
    /** `3.2 ×`, of one to another. */
    formatRatio: (ratio: number) => `${ratio >= 100 ? whole(ratio) : formatFixed(ratio, 1)}${gap}×`,
    /** What was saved of something, in the words of its kind: `13 ms`, `nothing`, and for a loss `13 ms more`. */
    formatSaving(value: number, kind: (value: number) => string): string {
      if (value === 0) return 'nothing'
      return value > 0 ? kind(value) : `${kind(-value)} more`
    },
  }
}

/** For texts that are English whoever reads them. */
export const ENGLISH = createFigures('en-US')
