const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]
const DAY = 86_400_000

/** A moment as a calendar and a clock on the wall show it, without a time zone: `2026-11-27T03:12:36`. */
export type CivilTime = string

/** The wall clock of this machine. */
export function civilNow(date = new Date()): CivilTime {
  const at = (value: number, width = 2) => String(value).padStart(width, '0')
  const day = [at(date.getFullYear(), 4), at(date.getMonth() + 1), at(date.getDate())].join('-')
  return `${day}T${[at(date.getHours()), at(date.getMinutes()), at(date.getSeconds())].join(':')}`
}

/**
 * `strftime` of the C library in the C locale, as chat templates call it: English names whatever this machine's language.
 * A wall clock has no zone, so `%z` and `%Z` are empty (as for Python's naive times). glibc's `-`, `_`, `0`, `^` and `#`
 * between `%` and the letter are followed; an unknown directive stays as it is written.
 */
export function strftime(time: CivilTime, format: string): string {
  const date = new Date(`${time}Z`)
  return format.replace(/%([-_0^#]?)([A-Za-z%])/g, (written, flag: string, letter: string) => {
    const found = directive(date, letter)
    if (found === null) return written
    if (typeof found === 'string') {
      if (flag === '^') return found.toUpperCase()
      return flag === '#' ? swapCase(found) : found
    }
    const { value, width, pad } = found
    const fill = flag === '-' ? '' : flag === '_' ? ' ' : flag === '0' ? '0' : pad
    return fill === '' ? String(value) : String(value).padStart(width, fill)
  })
}

interface Field {
  readonly value: number
  readonly width: number
  readonly pad: '0' | ' ' | ''
}

/** What a letter stands for: words, or a number with the width and the filling it has by default. */
function directive(date: Date, letter: string): string | Field | null {
  const zeros = (value: number, width = 2): Field => ({ value, width, pad: '0' })
  const spaces = (value: number): Field => ({ value, width: 2, pad: ' ' })
  const again = (format: string) => strftime(date.toISOString().slice(0, 19), format)
  const [year, month, day, hour] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours()]
  const weekday = date.getUTCDay()
  const yday = Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / DAY)
  const iso = isoWeek(date)
  const table: Record<string, () => string | Field> = {
    a: () => (DAYS[weekday] ?? '').slice(0, 3),
    A: () => DAYS[weekday] ?? '',
    b: () => (MONTHS[month] ?? '').slice(0, 3),
    h: () => (MONTHS[month] ?? '').slice(0, 3),
    B: () => MONTHS[month] ?? '',
    c: () => again('%a %b %e %H:%M:%S %Y'),
    C: () => zeros(Math.floor(year / 100)),
    d: () => zeros(day),
    D: () => again('%m/%d/%y'),
    e: () => spaces(day),
    f: () => zeros(0, 6),
    F: () => again('%Y-%m-%d'),
    g: () => zeros(iso.year % 100),
    G: () => zeros(iso.year, 4),
    H: () => zeros(hour),
    I: () => zeros(hour % 12 || 12),
    j: () => zeros(yday + 1, 3),
    k: () => spaces(hour),
    l: () => spaces(hour % 12 || 12),
    m: () => zeros(month + 1),
    M: () => zeros(date.getUTCMinutes()),
    n: () => '\n',
    p: () => (hour < 12 ? 'AM' : 'PM'),
    P: () => (hour < 12 ? 'am' : 'pm'),
    r: () => again('%I:%M:%S %p'),
    R: () => again('%H:%M'),
    s: () => ({ value: Math.floor(date.getTime() / 1000), width: 0, pad: '' }),
    S: () => zeros(date.getUTCSeconds()),
    t: () => '\t',
    T: () => again('%H:%M:%S'),
    u: () => zeros(weekday || 7, 1),
    U: () => zeros(Math.floor((yday + 7 - weekday) / 7)),
    V: () => zeros(iso.week),
    w: () => zeros(weekday, 1),
    W: () => zeros(Math.floor((yday + 7 - ((weekday + 6) % 7)) / 7)),
    x: () => again('%m/%d/%y'),
    X: () => again('%H:%M:%S'),
    y: () => zeros(year % 100),
    Y: () => zeros(year, 4),
    z: () => '',
    Z: () => '',
    '%': () => '%',
  }
  return table[letter]?.() ?? null
}

/** Weeks of ISO 8601 begin on Monday; the first of a year is the one with its first Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY)
  const year = thursday.getUTCFullYear()
  return { year, week: 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) }
}

function swapCase(text: string): string {
  return text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()
}
