/** Parts of a JSON schema, read with the place that an error names. */
import { StatePackError } from '#shared/domain/error.ts'

export type Json = Readonly<Record<string, unknown>>

/** Times that something may be repeated: a grammar grows with them. */
const MOST_TIMES = 1024

/** An object at a place. Throws `E_BAD_INPUT`. */
export function objectAt(value: unknown, at: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new StatePackError('E_BAD_INPUT', `The JSON schema has no object at ${at}.`, { field: 'schema', at })
}

/** A list at a place. Throws `E_BAD_INPUT`. */
export function listAt(value: unknown, at: string, { mayBeEmpty = false } = {}): readonly unknown[] {
  if (Array.isArray(value) && (mayBeEmpty || value.length > 0)) return value
  throw new StatePackError('E_BAD_INPUT', `The JSON schema has no list at ${at}.`, { field: 'schema', at })
}

/** What of a schema cannot be held to, and where. */
export function refusedAt(at: string, why: string): StatePackError {
  const message = `The JSON schema cannot be followed: ${why} (at ${at}).`
  return new StatePackError('E_NOT_SUPPORTED', message, { field: 'schema', at })
}

/** A number of a schema that is whole and between both, or undefined. Throws as {@link refusedAt}. */
export function wholeAt(given: Json, name: string, { at, from, to }: { at: string; from: number; to: number }) {
  const value = given[name]
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value
  throw refusedAt(at, `“${name}” is supported as a whole number from ${from} to ${to}`)
}

/** How often something comes, as EBNF writes it: `{1,3}`. Throws as {@link refusedAt}. */
export function timesAt(given: Json, [least, most]: readonly [string, string], at: string) {
  const range = { at, from: 0, to: MOST_TIMES }
  const min = wholeAt(given, least, range) ?? 0
  const max = wholeAt(given, most, range)
  if (max !== undefined && max < min) throw refusedAt(at, `“${most}” is less than “${least}”`)
  return { min, max }
}
