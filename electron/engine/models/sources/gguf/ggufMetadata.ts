/** The key-value part of a GGUF header. */
import type { GgufBytes } from './ggufBytes.ts'

export type GgufValue = number | boolean | string | readonly string[] | Float64Array
export type GgufMetadata = ReadonlyMap<string, GgufValue>

/** Items of arrays over the whole header: a vocabulary of 262,144 has 1.1 million with scores, kinds and merges. */
const MOST_ITEMS = 3 << 19
const LONGEST_KEY = 1 << 16
/** A token or a merge; a chat template. */
const LONGEST_ITEM = 1 << 16
const LONGEST_TEXT = 4 << 20

const [STRING, ARRAY] = [8, 9]
/** The fixed-size types by their number: bytes, and how one is read. */
const SCALARS: ReadonlyMap<number, readonly [bytes: number, read: (bytes: GgufBytes, what: string) => number]> =
  new Map([
    [0, [1, bytes => bytes.u8()]],
    [1, [1, bytes => bytes.i8()]],
    [2, [2, bytes => bytes.u16()]],
    [3, [2, bytes => bytes.i16()]],
    [4, [4, bytes => bytes.u32()]],
    [5, [4, bytes => bytes.i32()]],
    [6, [4, bytes => bytes.f32()]],
    [7, [1, boolean]],
    [10, [8, (bytes, what) => bytes.u64(what)]],
    [11, [8, (bytes, what) => bytes.i64(what)]],
    [12, [8, bytes => bytes.f64()]],
  ])
const BOOL = 7

/**
 * Reads `count` pairs. Keys that say nothing about the model or its tokenizer (provenance, a second copy of the tokenizer
 * in another form) are checked and passed over. Throws `E_MODEL_WEIGHTS`, naming the key.
 */
export function readMetadata(bytes: GgufBytes, count: number): GgufMetadata {
  const metadata = new Map<string, GgufValue>()
  const seen = new Set<string>()
  let items = 0
  for (let pair = 0; pair < count; pair++) {
    const key = bytes.string('a key', LONGEST_KEY)
    if (key === '') throw bytes.error('a key is empty')
    if (seen.has(key)) throw bytes.error(`the key ${short(key)} is there twice`)
    seen.add(key)
    const type = bytes.u32()
    if (type !== ARRAY) {
      if (isKept(key)) metadata.set(key, readOne(bytes, type, key))
      else skipOne(bytes, type, key)
      continue
    }
    const of = bytes.u32()
    if (of === ARRAY) throw bytes.error(`${short(key)} is an array of arrays`)
    const length = bytes.count(`the length of ${short(key)}`, { least: sizeOf(bytes, of, key), most: 2 ** 32 })
    if (isKept(key) || of === STRING) items += length
    if (items > MOST_ITEMS) throw bytes.error(`its arrays have more than ${MOST_ITEMS} items, ${short(key)} the last`)
    if (isKept(key)) {
      metadata.set(key, readArray(bytes, { of, length, key }))
    } else if (of === STRING) for (let item = 0; item < length; item++) skipOne(bytes, of, key)
    else bytes.skip(length * sizeOf(bytes, of, key))
  }
  return metadata
}

function isKept(key: string): boolean {
  return key !== 'tokenizer.huggingface.json' && (!key.startsWith('general.') || KEPT_GENERAL.has(key))
}

const KEPT_GENERAL: ReadonlySet<string> = new Set([
  'general.architecture',
  'general.alignment',
  'general.type',
  'general.name',
])

function readOne(bytes: GgufBytes, type: number, key: string): GgufValue {
  if (type === STRING) return bytes.string(short(key), LONGEST_TEXT)
  const number = scalar(bytes, type, key)[1](bytes, short(key))
  return type === BOOL ? number === 1 : number
}

function skipOne(bytes: GgufBytes, type: number, key: string): void {
  const least = sizeOf(bytes, type, key)
  bytes.skip(type === STRING ? bytes.count('the length of a text', { least: 1, most: 2 ** 40 }) : least)
}

function readArray(bytes: GgufBytes, { of, length, key }: { of: number; length: number; key: string }): GgufValue {
  if (of === STRING) {
    const what = `an item of ${short(key)}`
    return Array.from({ length }, () => bytes.string(what, LONGEST_ITEM))
  }
  const [, read] = scalar(bytes, of, key)
  const what = short(key)
  const numbers = new Float64Array(length)
  for (let item = 0; item < length; item++) numbers[item] = read(bytes, what)
  return numbers
}

/** The least bytes a value of this type takes. */
function sizeOf(bytes: GgufBytes, type: number, key: string): number {
  return type === STRING ? 8 : scalar(bytes, type, key)[0]
}

function scalar(bytes: GgufBytes, type: number, key: string) {
  const found = SCALARS.get(type)
  if (found === undefined) throw bytes.error(`${short(key)} has the value type ${type}, which GGUF does not have`)
  return found
}

function boolean(bytes: GgufBytes, what: string): number {
  const value = bytes.u8()
  if (value > 1) throw bytes.error(`${what} is a truth value of ${value}`)
  return value
}

function short(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)
}
