/**
 * A JSON reader for bytes that strangers wrote. `JSON.parse` silently keeps the last of two equal keys, rounds large
 * integers and accepts lone surrogates, so two readers can see two different documents in the same bytes; this one
 * refuses all three. It also caps nesting, so that a hostile document cannot exhaust the stack.
 */
import { StatePackError } from '#shared/domain/error.ts'

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/** `maxDepth`: nesting allowed (default 32). `integersOnly`: refuse every number that is not a plain integer below 2^53. */
export interface StrictJsonOptions {
  readonly maxDepth?: number
  readonly integersOnly?: boolean
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/
const SPACE = /[ \t\n\r]*/y

/** Parses UTF-8 JSON bytes. Throws `E_BAD_JSON` on malformed text, duplicate keys, unsafe integers or deep nesting. */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions = {}): JsonValue {
  const maxDepth = options.maxDepth ?? 32
  const text = decodeUtf8(bytes)
  const plain = parsePlain(text, { maxDepth, integersOnly: options.integersOnly === true })
  if (plain !== undefined) return plain
  let at = 0

  const fail = (what: string): StatePackError =>
    new StatePackError('E_BAD_JSON', `Not valid JSON: ${what} at character ${at}.`, { at })

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null) return null
    at += found[0].length
    return found[0]
  }

  const string = (): string => {
    if (text[at] !== '"') throw fail('expected a string')
    // Scanned, not matched by a pattern: a string of megabytes would exhaust the pattern's backtracking stack.
    let end = at + 1
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
    let value: string
    try {
      value = JSON.parse(text.slice(at, end + 1))
    } catch {
      throw fail('malformed string')
    }
    if (!value.isWellFormed()) throw fail('lone surrogate in a string')
    at = end + 1
    return value
  }

  const number = (): number => {
    const raw = match(NUMBER)
    if (raw === null) throw fail('unexpected character')
    const value = Number(raw)
    const integer = INTEGER.test(raw)
    if (!Number.isFinite(value) || (integer && !Number.isSafeInteger(value))) throw fail('number out of range')
    if (options.integersOnly === true && !integer) throw fail('number that is not a plain integer')
    return value
  }

  const array = (depth: number): JsonValue[] => {
    const items: JsonValue[] = []
    at++
    match(SPACE)
    if (text[at] === ']') {
      at++
      return items
    }
    for (;;) {
      items.push(value(depth))
      if (text[at] === ',') at++
      else if (text[at] === ']') break
      else throw fail('expected "," or "]"')
    }
    at++
    return items
  }

  const object = (depth: number): { [key: string]: JsonValue } => {
    const members = new Map<string, JsonValue>()
    at++
    match(SPACE)
    if (text[at] === '}') {
      at++
      return {}
    }
    for (;;) {
      match(SPACE)
      const key = string()
      if (members.has(key)) throw fail(`duplicate key ${JSON.stringify(key.slice(0, 80))}`)
      match(SPACE)
      if (text[at] !== ':') throw fail('expected ":"')
      at++
      members.set(key, value(depth))
      if (text[at] === ',') at++
      else if (text[at] === '}') break
      else throw fail('expected "," or "}"')
    }
    at++
    // fromEntries defines own properties, so a key "__proto__" stays a plain key.
    return Object.fromEntries(members)
  }

  const keyword = (word: string, result: boolean | null): boolean | null => {
    if (!text.startsWith(word, at)) throw fail('unexpected character')
    at += word.length
    return result
  }

  const value = (depth: number): JsonValue => {
    if (depth >= maxDepth) throw fail(`more than ${maxDepth} levels of nesting`)
    match(SPACE)
    const first = text[at]
    let result: JsonValue
    if (first === '{') result = object(depth + 1)
    else if (first === '[') result = array(depth + 1)
    else if (first === '"') result = string()
    else if (first === 't') result = keyword('true', true)
    else if (first === 'f') result = keyword('false', false)
    else if (first === 'n') result = keyword('null', null)
    else result = number()
    match(SPACE)
    return result
  }

  const result = value(0)
  if (at !== text.length) throw fail('text after the end')
  return result
}

/**
 * The quick way for documents as programs write them: text that JSON.stringify gives back as it was has no second key of a
 * name and no number that was rounded. Undefined for every other text, which the reader above judges.
 */
function parsePlain(text: string, limits: { maxDepth: number; integersOnly: boolean }): JsonValue | undefined {
  let end = text.length
  while (text[end - 1] === ' ') end--
  try {
    const value: JsonValue = JSON.parse(text)
    if (JSON.stringify(value) !== text.slice(0, end) || text.includes('\\ud')) return undefined
    return isWithin(value, limits, 0) ? value : undefined
  } catch {
    return undefined
  }
}

function isWithin(value: JsonValue, limits: { maxDepth: number; integersOnly: boolean }, depth: number): boolean {
  if (depth >= limits.maxDepth) return false
  if (typeof value === 'number') return Number.isInteger(value) ? Number.isSafeInteger(value) : !limits.integersOnly
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(member => isWithin(member, limits, depth + 1))
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new StatePackError('E_BAD_JSON', 'Not valid JSON: the bytes are not UTF-8.', {}, cause)
  }
}
