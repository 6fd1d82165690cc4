import { InvalidArgumentError } from 'commander'
import { civilTimeSchema } from '#shared/domain/cartridge.ts'

/** A count given on the command line; anything else is wrong usage. */
export function integer(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError('Not a whole number.')
}

/** A count of at least one. */
export function positive(text: string): number {
  const value = integer(text)
  if (value > 0) return value
  throw new InvalidArgumentError('Not a number above 0.')
}

/** A number from 0 on. */
export function decimal(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new InvalidArgumentError('Not a number.')
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
}

/** A size such as `40GB`, `1.5 GiB` or `1000000`, in bytes. */
export function byteCount(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = UNITS[unit.toLowerCase()]
  if (number !== undefined && factor !== undefined) return Math.round(Number(number) * factor)
  throw new InvalidArgumentError('Not a size such as 512MB or 40GB.')
}

/** The same, or `auto`. */
export function byteCountOrAuto(text: string): number | 'auto' {
  return text === 'auto' ? text : byteCount(text)
}

/** A day, or a day and a time on the wall clock. */
export function civilTime(text: string): string {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text
  const date = new Date(`${time}Z`)
  // A day that its month has not is taken for one of the next.
  if (civilTimeSchema.safeParse(time).success && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(time))
    return time
  throw new InvalidArgumentError('Not a date such as 2026-11-27 or 2026-11-27T09:00:00.')
}

/** For options that take several texts. */
export function texts(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text]
}

/** For options that take several counts. */
export function integers(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), integer(text)]
}
