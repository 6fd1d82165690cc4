/**
 * Strict safetensors for cartridge layers: u64 LE header length, JSON header, buffer.
 * Both ends are stricter than the public specification, so that a layer has one reading: the buffer is covered fully
 * without holes or overlap, the header is padded with spaces until the buffer starts at a multiple of 64 bytes, keys
 * are unique, integers are below 2^53. Model checkpoints from a hub do not come through here (they need the lenient
 * rules of the reference reader).
 */
import { StatePackError } from '#shared/domain/error.ts'
import { type JsonValue, parseStrictJson } from './strictJson.ts'

/** Bytes per element of every dtype a cartridge layer may hold. */
export const SAFETENSORS_DTYPES = {
  F32: 4,
  F16: 2,
  BF16: 2,
  I8: 1,
  U8: 1,
  F8_E4M3: 1,
  I32: 4,
  I64: 8,
} as const
export type SafetensorsDtype = keyof typeof SAFETENSORS_DTYPES

/** One tensor: row-major (C order), little-endian bytes; an empty shape is a scalar. */
export interface SafeTensor {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

export interface SafetensorsFile {
  /** Tensors by name, in the order of their bytes. `data` are views into the parsed bytes, not copies. */
  readonly tensors: ReadonlyMap<string, SafeTensor>
  readonly metadata: Readonly<Record<string, string>>
}

/** Where one tensor lies: offsets are relative to the start of the buffer. */
export interface SafetensorsEntry {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export interface SafetensorsHeader {
  readonly entries: readonly SafetensorsEntry[]
  readonly metadata: Readonly<Record<string, string>>
  /** Offset of the buffer from the start of the file; a multiple of 64. */
  readonly bufferStart: number
}

const SAFETENSORS_HEADER_CAP = 8 * 1024 * 1024
const ALIGNMENT = 64
const PREFIX = 8
const MAX_RANK = 8
const MAX_NAME = 256

/** Writes tensors in the order given; the same input gives the same bytes. Throws `E_BAD_INPUT` on a wrong size or name. */
export function encodeSafetensors(
  tensors: readonly SafeTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  for (const { name, dtype, shape, data } of tensors) {
    const size = byteSize(dtype, shape)
    if (size === data.byteLength) continue
    throw badInput(`Tensor ${name} has ${data.byteLength} bytes; its shape [${shape}] of ${dtype} needs ${size}.`)
  }
  const header = encodeSafetensorsHeader(tensors, metadata)
  const out = new Uint8Array(header.byteLength + tensors.reduce((sum, { data }) => sum + data.byteLength, 0))
  out.set(header)
  let at = header.byteLength
  for (const { data } of tensors) {
    out.set(data, at)
    at += data.byteLength
  }
  return out
}

/** The bytes before the buffer, length field and padding included: of one list of tensors there is one header. */
export function encodeSafetensorsHeader(
  tensors: readonly Pick<SafeTensor, 'name' | 'dtype' | 'shape'>[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const members: [string, unknown][] = []
  const metadataKeys = Object.keys(metadata).sort()
  if (metadataKeys.length > 0) {
    members.push(['__metadata__', Object.fromEntries(metadataKeys.map(key => [key, metadata[key]]))])
  }
  const names = new Set<string>()
  let cursor = 0
  for (const { name, dtype, shape } of tensors) {
    const size = byteSize(dtype, shape)
    if (size === null) throw badInput(`Tensor ${name} has a shape that no file can hold: [${shape}].`)
    if (!isGoodName(name) || names.has(name)) throw badInput(`Bad or repeated tensor name: ${JSON.stringify(name)}`)
    names.add(name)
    members.push([name, { dtype, shape, data_offsets: [cursor, cursor + size] }])
    cursor += size
  }
  // Joined by hand: an object would reorder names that look like integers.
  const json = `{${members.map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member)}`).join(',')}}`
  const header = new TextEncoder().encode(json)
  const bufferStart = Math.ceil((PREFIX + header.byteLength) / ALIGNMENT) * ALIGNMENT
  if (bufferStart - PREFIX > SAFETENSORS_HEADER_CAP) throw badInput('Too many tensors for one safetensors header.')

  const out = new Uint8Array(bufferStart)
  new DataView(out.buffer).setBigUint64(0, BigInt(bufferStart - PREFIX), true)
  out.set(header, PREFIX)
  out.fill(0x20, PREFIX + header.byteLength)
  return out
}

/** Reads a whole file. Throws `E_BAD_FORMAT`, or `E_TOO_LARGE` for a header over 8 MiB, before allocating anything for it. */
export function parseSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { entries, metadata, bufferStart } = parseSafetensorsHeader(bytes, bytes.byteLength)
  const tensors = new Map<string, SafeTensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { name, dtype, shape, data: bytes.subarray(bufferStart + begin, bufferStart + end) })
  }
  return { tensors, metadata }
}

/** Reads only the header, from the first bytes of a file of `fileBytes` bytes; so a layer can be judged before it is read. */
export function parseSafetensorsHeader(start: Uint8Array, fileBytes: number): SafetensorsHeader {
  if (start.byteLength < PREFIX || fileBytes < PREFIX) throw bad('shorter than its length field')
  const length = new DataView(start.buffer, start.byteOffset, start.byteLength).getBigUint64(0, true)
  if (length > BigInt(SAFETENSORS_HEADER_CAP)) {
    throw new StatePackError('E_TOO_LARGE', 'A safetensors header is over 8 MiB.', { cap: SAFETENSORS_HEADER_CAP })
  }
  const bufferStart = PREFIX + Number(length)
  if (bufferStart > fileBytes) throw bad('the header reaches past the end of the file')
  if (bufferStart > start.byteLength) throw bad('the header is incomplete')
  if (bufferStart % ALIGNMENT !== 0) throw bad('the header is not padded to 64 bytes')
  if (start[PREFIX] !== 0x7b) throw bad('the header does not begin with "{"')
  const json = start.subarray(PREFIX, bufferStart)
  assertPadding(json)

  const root = asObject(parseJson(json), 'header')
  const metadata = parseMetadata(root.__metadata__)
  const entries: SafetensorsEntry[] = []
  for (const [name, member] of Object.entries(root)) {
    if (name !== '__metadata__') entries.push(parseEntry(name, member))
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let cursor = 0
  for (const { name, begin, end } of entries) {
    if (begin !== cursor) throw bad(`tensor ${name} ${begin > cursor ? 'leaves a hole' : 'overlaps'} at byte ${cursor}`)
    cursor = end
  }
  if (cursor !== fileBytes - bufferStart) {
    throw bad(`its tensors cover ${cursor} bytes and its buffer has ${fileBytes - bufferStart}`)
  }
  return { entries, metadata, bufferStart }
}

/** Only spaces may pad, and only as many as alignment needs: a second reading must not hide in the padding. */
function assertPadding(json: Uint8Array): void {
  let padding = 0
  while (padding < json.byteLength && json[json.byteLength - 1 - padding] === 0x20) padding++
  if (padding >= ALIGNMENT) throw bad('more padding than alignment needs')
  if (json[json.byteLength - 1 - padding] !== 0x7d) throw bad('the header does not end with "}" and spaces')
}

function parseJson(json: Uint8Array): JsonValue {
  try {
    return parseStrictJson(json, { maxDepth: 4, integersOnly: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StatePackError('E_BAD_FORMAT', `Bad safetensors header. ${reason}`, {}, cause)
  }
}

function parseMetadata(value: JsonValue | undefined): Record<string, string> {
  if (value === undefined) return {}
  const entries = Object.entries(asObject(value, '__metadata__')).map(([key, text]): [string, string] => {
    if (typeof text !== 'string') throw bad('__metadata__ holds a value that is not a string')
    return [key, text]
  })
  return Object.fromEntries(entries)
}

function parseEntry(name: string, value: JsonValue): SafetensorsEntry {
  if (!isGoodName(name)) throw bad('a tensor has a bad name')
  const member = asObject(value, name)
  const { dtype, shape, data_offsets: offsets } = member
  if (Object.keys(member).length !== 3) throw bad(`tensor ${name} must have exactly dtype, shape and data_offsets`)
  if (typeof dtype !== 'string' || !isDtype(dtype)) throw bad(`tensor ${name} has an unknown dtype`)
  const dims = asNaturals(shape, `shape of ${name}`)
  const [begin, end, ...more] = asNaturals(offsets, `data_offsets of ${name}`)
  if (begin === undefined || end === undefined || more.length > 0) throw bad(`tensor ${name} needs two data_offsets`)
  if (dims.length > MAX_RANK) throw bad(`tensor ${name} has more than ${MAX_RANK} dimensions`)
  const size = byteSize(dtype, dims)
  if (size === null || end - begin !== size) throw bad(`tensor ${name} has offsets that do not fit its shape`)
  return { name, dtype, shape: dims, begin, end }
}

/** Bytes of a tensor, or null when the product is not a safe integer. */
function byteSize(dtype: SafetensorsDtype, shape: readonly number[]): number | null {
  let size: number = SAFETENSORS_DTYPES[dtype]
  for (const dim of shape) {
    size *= dim
    if (!Number.isSafeInteger(dim) || dim < 0 || !Number.isSafeInteger(size)) return null
  }
  return size
}

function isDtype(text: string): text is SafetensorsDtype {
  return Object.hasOwn(SAFETENSORS_DTYPES, text)
}

function isGoodName(name: string): boolean {
  return name.length > 0 && name.length <= MAX_NAME && name !== '__metadata__' && /^[\x21-\x7e]+$/.test(name)
}

function asObject(value: JsonValue, what: string): { [key: string]: JsonValue } {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw bad(`${what} is not an object`)
  return value
}

function asNaturals(value: JsonValue | undefined, what: string): number[] {
  if (!Array.isArray(value)) throw bad(`${what} is not a list`)
  return value.map(item => {
    if (typeof item !== 'number' || item < 0 || !Number.isSafeInteger(item)) throw bad(`${what} holds a bad number`)
    return item
  })
}

function bad(what: string): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `Bad safetensors: ${what}.`)
}

function badInput(message: string): StatePackError {
  return new StatePackError('E_BAD_INPUT', message)
}
