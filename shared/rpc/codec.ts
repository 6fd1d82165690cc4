/**
 * The framing every byte stream of the Studio uses: HTTP bodies, streamed responses, the event stream.
 *
 *     u32 header bytes (LE) | u32 body bytes (LE) | header: UTF-8 JSON | body: raw typed arrays, each padded to 8 bytes
 *
 * The header is `{ value, arrays: [{ path, type, bytes }] }`: typed arrays are taken out of the value (null stays in
 * their place) and travel raw, so a heat map or a `.cartridge` file is never written as JSON numbers or base64.
 */
import { StatePackError } from '../domain/error.ts'
import { realm } from './realm.ts'

const ARRAY_TYPES = { Uint8Array, Int32Array, Uint32Array, Float32Array, Float64Array } as const
type ArrayType = keyof typeof ARRAY_TYPES
type TypedArray = InstanceType<(typeof ARRAY_TYPES)[ArrayType]>

interface ArrayEntry {
  readonly path: readonly (string | number)[]
  readonly type: ArrayType
  readonly bytes: number
}

export const FRAME_TYPE = 'application/vnd.statepack.frames'
const PREFIX = 8
const MAX_ARRAYS = 4096

const padded = (bytes: number) => Math.ceil(bytes / 8) * 8

function arrayTypeOf(value: object): ArrayType | null {
  if (!ArrayBuffer.isView(value)) return null
  for (const type of Object.keys(ARRAY_TYPES) as ArrayType[]) {
    if (value instanceof ARRAY_TYPES[type]) return type
  }
  throw new StatePackError('E_BAD_INPUT', 'This kind of typed array cannot be sent.')
}

/** Copies `value` with every typed array replaced by null and recorded in `found`. */
function takeArrays(
  value: unknown,
  path: readonly (string | number)[],
  found: { entry: ArrayEntry; array: TypedArray }[],
): unknown {
  if (typeof value !== 'object' || value === null) return value
  const type = arrayTypeOf(value)
  if (type !== null) {
    const array = value as TypedArray
    found.push({ entry: { path, type, bytes: array.byteLength }, array })
    return null
  }
  if (Array.isArray(value)) return value.map((item, index) => takeArrays(item, [...path, index], found))
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, item] of Object.entries(value)) copy[key] = takeArrays(item, [...path, key], found)
  return copy
}

/** One value as one frame. Members that are undefined are left out, as in JSON. */
export function encodeFrame(value: unknown): Uint8Array<ArrayBuffer> {
  const found: { entry: ArrayEntry; array: TypedArray }[] = []
  const bare = takeArrays(value, [], found)
  const header = new realm.TextEncoder().encode(JSON.stringify({ value: bare, arrays: found.map(f => f.entry) }))
  const bodyBytes = found.reduce((sum, f) => sum + padded(f.entry.bytes), 0)
  const frame = new Uint8Array(PREFIX + header.byteLength + bodyBytes)
  const view = new DataView(frame.buffer)
  view.setUint32(0, header.byteLength, true)
  view.setUint32(4, bodyBytes, true)
  frame.set(header, PREFIX)
  let offset = PREFIX + header.byteLength
  for (const { array } of found) {
    frame.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset)
    offset += padded(array.byteLength)
  }
  return frame
}

const malformed = (why: string) => new StatePackError('E_BAD_JSON', `This message cannot be read: ${why}.`)

function checkEntry(entry: unknown): ArrayEntry {
  const { path, type, bytes } = (entry ?? {}) as Record<string, unknown>
  const pathOk = Array.isArray(path) && path.every(step => typeof step === 'string' || Number.isInteger(step))
  if (!pathOk || typeof type !== 'string' || !Object.hasOwn(ARRAY_TYPES, type))
    throw malformed('an array is not declared')
  const width = ARRAY_TYPES[type as ArrayType].BYTES_PER_ELEMENT
  if (typeof bytes !== 'number' || !Number.isInteger(bytes) || bytes < 0 || bytes % width !== 0) {
    throw malformed('an array has no valid length')
  }
  return { path, type: type as ArrayType, bytes }
}

/** Puts `array` where the header says; only own members that hold null can be replaced, so no prototype is reachable. */
function putArray(root: { value: unknown }, path: readonly (string | number)[], array: TypedArray): void {
  let holder: object = root
  let key: string | number = 'value'
  for (const step of path) {
    const next: unknown = (holder as Record<string | number, unknown>)[key]
    if (typeof next !== 'object' || next === null || !Object.hasOwn(next, step))
      throw malformed('an array has no place')
    holder = next
    key = step
  }
  if ((holder as Record<string | number, unknown>)[key] !== null) throw malformed('an array has no place')
  ;(holder as Record<string | number, unknown>)[key] = array
}

/** Decodes header and body of one whole frame (without the prefix). Throws `E_BAD_JSON`. */
function decodeParts(headerBytes: Uint8Array, body: Uint8Array<ArrayBuffer>): unknown {
  let header: unknown
  try {
    header = JSON.parse(new realm.TextDecoder('utf-8', { fatal: true }).decode(headerBytes))
  } catch {
    throw malformed('its header is not JSON')
  }
  if (typeof header !== 'object' || header === null) throw malformed('its header is not an object')
  const { value, arrays } = header as { value?: unknown; arrays?: unknown }
  if (!Array.isArray(arrays) || arrays.length > MAX_ARRAYS) throw malformed('its list of arrays is missing or too long')
  const root = { value }
  let offset = 0
  for (const entry of arrays.map(checkEntry)) {
    if (offset + padded(entry.bytes) > body.byteLength) throw malformed('an array reaches past the end')
    const Type = ARRAY_TYPES[entry.type]
    putArray(root, entry.path, new Type(body.buffer, body.byteOffset + offset, entry.bytes / Type.BYTES_PER_ELEMENT))
    offset += padded(entry.bytes)
  }
  if (offset !== body.byteLength) throw malformed('it has bytes that belong to nothing')
  return root.value
}

export interface FrameReader {
  /** Takes the next bytes of the stream and returns the values that are complete now. */
  push(chunk: Uint8Array): unknown[]
  /** True between two frames: a stream that ends elsewhere was cut off. */
  readonly atBoundary: boolean
}

/**
 * Reads frames out of a stream cut anywhere. Holds only bytes that have arrived: a lying length allocates nothing.
 * Throws `E_TOO_LARGE` as soon as a prefix announces more than `maxFrameBytes`, `E_BAD_JSON` for anything malformed.
 */
export function createFrameReader(maxFrameBytes: number): FrameReader {
  let chunks: Uint8Array[] = []
  let held = 0

  /** Removes exactly `count` bytes from the front, as bytes of their own, aligned for any typed array. */
  function take(count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count)
    let filled = 0
    let index = 0
    while (filled < count) {
      const chunk = chunks[index]
      if (chunk === undefined) throw malformed('it ends too early')
      const part = chunk.subarray(0, count - filled)
      bytes.set(part, filled)
      filled += part.byteLength
      if (part.byteLength === chunk.byteLength) index += 1
      else chunks[index] = chunk.subarray(part.byteLength)
    }
    chunks = chunks.slice(index)
    held -= count
    return bytes
  }

  let lengths: { header: number; body: number } | null = null
  return {
    push(chunk) {
      if (chunk.byteLength > 0) {
        chunks.push(chunk)
        held += chunk.byteLength
      }
      const values: unknown[] = []
      for (;;) {
        if (lengths === null) {
          if (held < PREFIX) return values
          const prefix = new DataView(take(PREFIX).buffer)
          lengths = { header: prefix.getUint32(0, true), body: prefix.getUint32(4, true) }
          if (PREFIX + lengths.header + lengths.body > maxFrameBytes) {
            throw new StatePackError('E_TOO_LARGE', 'This message is larger than the Studio accepts.', {
              bytes: lengths.header + lengths.body,
              limit: maxFrameBytes,
            })
          }
        }
        if (held < lengths.header + lengths.body) return values
        const header = take(lengths.header)
        const body = take(lengths.body)
        lengths = null
        values.push(decodeParts(header, body))
      }
    },
    get atBoundary() {
      return lengths === null && held === 0
    },
  }
}
