import { UTF8_RULES } from './byteSpelling.ts'
import { patternRule } from './patternRule.ts'
import { type Json, refusedAt, timesAt } from './schemaParts.ts'

/** Rules that others refer to. */
export const TEXT_RULES = [
  'text ::= "\\"" (ascii | two | three | four | escape | "\\\\u" unit)* "\\""',
  'ascii ::= [ !#-Z^-~\\[\\]\\x7f]',
  'escape ::= "\\\\" ["\\\\/bfnrt]',
  // Halves of surrogate pairs are not written, so that every text is Unicode.
  'unit ::= [0-9a-cefA-CEF] hex hex hex | [dD] [0-7] hex hex',
  'hex ::= [0-9a-fA-F]',
  // Where characters are counted: all counts of these agree, in code points or in units of UTF-16.
  'counted ::= ascii | two | three | escape',
  ...UTF8_RULES,
]

const DAY = '(0[1-9]|1[0-9]|2[0-8])'
const MONTHS = `((0[1-9]|1[0-2])-${DAY}|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)`
const CLOCK = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)`
const BYTE = String.raw`(25[0-5]|2[0-4]\d|1\d\d|[1-9]\d|\d)`
const WORD = '[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?'
/** Texts of each format, days that exist among them; not all: no 29 February, mail addresses and hosts of usual letters. */
const FORMATS: Readonly<Record<string, string>> = {
  date: String.raw`^\d{4}-${MONTHS}$`,
  time: `^${CLOCK}$`,
  'date-time': String.raw`^\d{4}-${MONTHS}T${CLOCK}$`,
  duration: String.raw`^P(\d{1,4}W|\d{1,4}D(T\d{1,4}H)?|T(\d{1,4}H(\d{1,4}M)?|\d{1,4}M(\d{1,4}S)?|\d{1,4}S))$`,
  uuid: '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  ipv4: String.raw`^(${BYTE}\.){3}${BYTE}$`,
  email: String.raw`^[a-z0-9]{1,30}([._-][a-z0-9]{1,30}){0,3}@(${WORD}\.){1,3}[a-z]{2,10}$`,
  hostname: String.raw`^(${WORD}\.){0,3}${WORD}$`,
}

/** A string as the keywords of a schema have it. Throws as {@link refusedAt}. */
export function textRule(given: Json, at: string): string {
  const { pattern, format, minLength, maxLength } = given
  const ways = [pattern, format, minLength ?? maxLength].filter(way => way !== undefined)
  if (ways.length > 1) throw refusedAt(at, 'only one of “pattern”, “format” and a length is supported')
  if (pattern !== undefined) {
    const rule = typeof pattern === 'string' ? patternRule(pattern) : null
    if (rule !== null) return `"\\"" ${rule} "\\""`
    throw refusedAt(at, 'a “pattern” is supported from ^ to $, of plain characters, [classes], groups and counts')
  }
  if (format !== undefined) {
    const known = typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
    if (known !== undefined) return `"\\"" ${patternRule(known)} "\\""`
    throw refusedAt(at, `of “format” ${Object.keys(FORMATS).join(', ')} are supported`)
  }
  if (ways.length === 0) return 'text'
  const { min, max } = timesAt(given, ['minLength', 'maxLength'], at)
  return max === 0 ? '"\\"\\""' : `"\\"" counted{${min},${max ?? ''}} "\\""`
}
