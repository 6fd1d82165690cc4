import { type Json, refusedAt, wholeAt } from './schemaParts.ts'

/** Whole numbers that a double tells apart, by their digits; and those that it also tells from the six decimals between. */
const MOST = 10 ** 15 - 1
const MOST_WITH_DECIMALS = 10 ** 9
/** Never zero: between a whole number and the next. */
const DECIMALS = '"." [0-9]{0,5} [1-9]'

/** A number as the keywords of a schema have it, without an exponent. Throws as {@link refusedAt}. */
export function numberRule(given: Json, { isWhole, at }: { isWhole: boolean; at: string }): string {
  const bound = (name: string) => wholeAt(given, name, { at, from: -MOST, to: MOST })
  const [above, below] = [bound('exclusiveMinimum'), bound('exclusiveMaximum')]
  const low = Math.max(bound('minimum') ?? -MOST, above ?? -MOST)
  const high = Math.min(bound('maximum') ?? MOST, below ?? MOST)
  const whole = wholeNumbers(above === low ? low + 1 : low, below === high ? high - 1 : high)
  const ways = isWhole
    ? whole
    : [...whole, ...decimals(Math.max(low, -MOST_WITH_DECIMALS), Math.min(high, MOST_WITH_DECIMALS))]
  if (ways.length === 0) throw refusedAt(at, 'no number is between its bounds')
  return `(${ways.join(' | ')})`
}

function wholeNumbers(low: number, high: number): string[] {
  if (low > high) return []
  const negative = low < 0 ? digits(Math.max(1, -high), -low) : []
  return [...(high >= 0 ? digits(Math.max(0, low), high) : []), ...minus(negative)]
}

/** What is strictly between two neighbouring whole numbers of a range. */
function decimals(low: number, high: number): string[] {
  const positive = high > 0 && high > low ? digits(Math.max(0, low), high - 1) : []
  const negative = low < 0 && high > low ? digits(Math.max(0, -high), -low - 1) : []
  return [...positive, ...minus(negative)].map(way => `${way} ${DECIMALS}`)
}

const minus = (ways: readonly string[]) => (ways.length === 0 ? [] : [`"-" (${ways.join(' | ')})`])

/** The numbers from `low` to `high`, neither below 0, by how many digits they have. */
function digits(low: number, high: number): string[] {
  if (low > high) return []
  const ways: string[] = low === 0 ? ['"0"'] : []
  for (let from = Math.max(1, low); from <= high; ) {
    const last = 10 ** `${from}`.length - 1
    ways.push(...sameLength(`${from}`, `${Math.min(last, high)}`))
    from = last + 1
  }
  return ways
}

/** Numbers between two of the same length, digit by digit. */
function sameLength(low: string, high: string): string[] {
  const [first = '', last = ''] = [low.charAt(0), high.charAt(0)]
  const rest = low.length - 1
  const isFrom = /^.0*$/.test(low)
  const isTo = /^.9*$/.test(high)
  if (rest === 0 || (isFrom && isTo)) return [`[${first}-${last}]${rest === 0 ? '' : ` [0-9]{${rest}}`}`]
  if (first === last) return sameLength(low.slice(1), high.slice(1)).map(way => `"${first}" ${way}`)
  const ways: string[] = []
  if (!isFrom) ways.push(...sameLength(low.slice(1), '9'.repeat(rest)).map(way => `"${first}" ${way}`))
  const [from, to] = [Number(first) + (isFrom ? 0 : 1), Number(last) - (isTo ? 0 : 1)]
  if (from <= to) ways.push(`[${from}-${to}] [0-9]{${rest}}`)
  if (!isTo) ways.push(...sameLength('0'.repeat(rest), high.slice(1)).map(way => `"${last}" ${way}`))
  return ways
}
