/** What the digits of every script are worth, by the runtime's own tables. */
const DIGITS = new Map(
  Intl.supportedValuesOf('numberingSystem').flatMap(numberingSystem => {
    const counted = new Intl.NumberFormat('en', { numberingSystem, useGrouping: false }).format(9_876_543_210)
    return Array.from(counted, (digit, place) => [digit, String(9 - place)] as const)
  }),
)
const MARKS: Readonly<Record<string, string>> = { '٫': '.', '．': '.', '٬': ',', '，': ',', '−': '-', '－': '-' }

/**
 * The number that a person typed, in the way of `locale` or, where it cannot be meant so, in the other: `0,50` is a half
 * everywhere, `1.234,5` and `1,234.5` are the same, in the digits of any script. Signs of money and spaces are passed over.
 * Null for anything else.
 */
export function readNumber(text: string, locale: string): number | null {
  // With the marks that keep a number's direction, which formatting puts before a minus.
  const plain = inLatin(text).replace(/[\s$€£¥'’_\u061c\u200e\u200f]/g, '')
  const [mantissa = '', exponent = ''] = plain.split(/(?=e[+-]?\d+$)/i)
  const decimal = decimalIn(mantissa, locale)
  const digits = mantissa.replaceAll(decimal === '.' ? ',' : '.', '').replace(decimal ?? '', '.')
  const number = `${decimal === null ? mantissa.replace(/[.,]/g, '') : digits}${exponent}`
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(number) ? Number(number) : null
}

function inLatin(text: string): string {
  return Array.from(text, character => DIGITS.get(character) ?? MARKS[character] ?? character).join('')
}

/** Which of `.` and `,` stands before the decimals; null for neither. Of two kinds it is the last, if it stands once. */
function decimalIn(text: string, locale: string): '.' | ',' | null {
  const dots = text.split('.').length - 1
  const commas = text.split(',').length - 1
  if (dots > 0 && commas > 0) return text.lastIndexOf('.') > text.lastIndexOf(',') ? '.' : ','
  const only = dots > 0 ? '.' : commas > 0 ? ',' : null
  if (only === null) return null
  if (only === decimalMark(locale) && dots + commas === 1) return only
  // Groups of three (in India of two, but for the last) after up to three digits: the other use of the mark.
  const grouped = new RegExp(`^-?[1-9]\\d{0,2}(\\${only}\\d{2,3})*\\${only}\\d{3}$`).test(text)
  return grouped ? null : only
}

function decimalMark(locale: string): string {
  const mark = new Intl.NumberFormat(locale).formatToParts(0.5).find(part => part.type === 'decimal')?.value ?? '.'
  return MARKS[mark] ?? mark
}
