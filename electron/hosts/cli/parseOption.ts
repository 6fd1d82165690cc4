import { InvalidArgumentError } from 'commander'

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

/** For options that take several counts. */
export function integers(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), integer(text)]
}
