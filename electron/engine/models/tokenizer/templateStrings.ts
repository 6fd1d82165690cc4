/** Methods of Python's `str` that the library has not, or has otherwise. */

/** What Python strips: not the byte order mark, which JavaScript takes for white space. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const LINE_END = '\\r\\n|[\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]'

type Side = 'left' | 'right' | 'both'

/** `text.strip(characters)`, and its two halves. */
export function stripped(text: string, characters: unknown, side: Side = 'both'): string {
  const set = typeof characters === 'string' ? characters.replaceAll(/[\]\\^-]/g, '\\$&') : SPACE
  if (set === '') return text
  const left = side === 'right' ? text : text.replace(new RegExp(`^[${set}]+`, 'u'), '')
  if (side === 'left') return left
  // From the end on: a pattern anchored there only would look at every run of such characters on its way.
  const any = new RegExp(`[${set}]`, 'u')
  let end = left.length
  while (end > 0 && any.test(left.slice(end - (isTrailing(left, end) ? 2 : 1), end)))
    end -= isTrailing(left, end) ? 2 : 1
  return left.slice(0, end)
}

/** Whether the character before `end` takes two code units. */
function isTrailing(text: string, end: number): boolean {
  return end > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff
}

type Method = (text: string, ...args: readonly unknown[]) => unknown

/** Arguments and results are plain values of JavaScript, lists of values of the interpreter. */
export const STRING_METHODS: Readonly<Record<string, Method>> = {
  strip: (text, characters) => stripped(text, characters),
  lstrip: (text, characters) => stripped(text, characters, 'left'),
  rstrip: (text, characters) => stripped(text, characters, 'right'),
  capitalize: text => capitalized(text),
  find: (text, part) => place(text, text.indexOf(String(part))),
  rfind: (text, part) => place(text, text.lastIndexOf(String(part))),
  index: (text, part) => found(place(text, text.indexOf(String(part)))),
  count: (text, part) => text.split(String(part)).length - 1,
  rsplit: (text, separator, most) => rsplit(text, separator, most),
  splitlines: text => lines(text),
  removeprefix: (text, part) => (text.startsWith(String(part)) ? text.slice(String(part).length) : text),
  removesuffix: (text, part) =>
    part !== '' && text.endsWith(String(part)) ? text.slice(0, -String(part).length) : text,
  partition: (text, separator) => parted(text, String(separator), text.indexOf(String(separator))),
  isdigit: text => /^\p{Nd}+$/u.test(text),
  isalpha: text => /^\p{L}+$/u.test(text),
  isalnum: text => /^[\p{L}\p{N}]+$/u.test(text),
  isspace: text => new RegExp(`^[${SPACE}]+$`).test(text),
  isupper: text => text === text.toUpperCase() && text !== text.toLowerCase(),
  islower: text => text === text.toLowerCase() && text !== text.toUpperCase(),
}

/** `text.capitalize()` */
export function capitalized(text: string): string {
  const [first = '', ...rest] = Array.from(text)
  return first.toUpperCase() + rest.join('').toLowerCase()
}

function lines(text: string): string[] {
  const whole = text.replace(new RegExp(`(?:${LINE_END})$`), '')
  return text === '' ? [] : whole.split(new RegExp(LINE_END))
}

/** Counted in characters, as Python does. */
function place(text: string, at: number): number {
  return at < 0 ? -1 : Array.from(text.slice(0, at)).length
}

function found(at: number): number {
  if (at < 0) throw new Error('substring not found')
  return at
}

function rsplit(text: string, separator: unknown, most: unknown): string[] {
  const parts =
    typeof separator === 'string' ? text.split(separator) : stripped(text, null).split(new RegExp(`[${SPACE}]+`))
  if (typeof most !== 'number' || most < 0 || parts.length <= most + 1) return parts
  if (typeof separator !== 'string') throw new Error('rsplit() of white space with a limit is not supported')
  const first = parts.length - most
  return [parts.slice(0, first).join(separator), ...parts.slice(first)]
}

function parted(text: string, separator: string, at: number): string[] {
  return at < 0 ? [text, '', ''] : [text.slice(0, at), separator, text.slice(at + separator.length)]
}
