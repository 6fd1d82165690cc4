/** Writes GGUF headers (version 3), right or wrong on purpose. */

/** Ids of value types, from the GGUF specification. */
const TYPES = {
  uint8: 0,
  uint16: 2,
  int32: 5,
  uint32: 4,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
} as const
type Scalar = Exclude<keyof typeof TYPES, 'array'>

export type GgufWritten =
  | { readonly type: Exclude<Scalar, 'string'>; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'array'; readonly of: Scalar; readonly values: readonly (string | number)[] }
  /** Bytes as they are, the type's number included. */
  | { readonly type: 'raw'; readonly bytes: Uint8Array }

export interface GgufWrittenTensor {
  readonly name: string
  /** Innermost dimension first, as GGUF has it. */
  readonly dims: readonly number[]
  /** `ggml_type`; default F32. */
  readonly type?: number
  readonly bytes: number
  /** Instead of the next aligned place. */
  readonly offset?: number
}

interface HeaderOptions {
  readonly alignment?: number
  readonly version?: number
  /** Instead of the counts of what is there. */
  readonly tensorCount?: bigint
  readonly pairCount?: bigint
}

/** The header up to where the tensors begin, at a multiple of the alignment. Pairs may repeat a key. */
export function ggufHeader(
  pairs: readonly (readonly [string, GgufWritten])[],
  tensors: readonly GgufWrittenTensor[],
  options: HeaderOptions = {},
): Buffer {
  const {
    alignment = 32,
    version = 3,
    tensorCount = BigInt(tensors.length),
    pairCount = BigInt(pairs.length),
  } = options
  const parts: Buffer[] = [Buffer.from('GGUF'), ggufScalar('uint32', version), long(tensorCount), long(pairCount)]
  for (const [key, value] of pairs) parts.push(ggufText(key), encode(value))
  let offset = 0
  for (const { name, dims, type = 0, bytes, offset: given } of tensors) {
    parts.push(ggufText(name), ggufScalar('uint32', dims.length), ...dims.map(dim => long(BigInt(dim))))
    parts.push(ggufScalar('uint32', type), long(BigInt(given ?? offset)))
    offset = ggufPadded(offset + bytes, alignment)
  }
  const head = Buffer.concat(parts)
  return Buffer.concat([head, Buffer.alloc(ggufPadded(head.length, alignment) - head.length)])
}

export const ggufPadded = (size: number, alignment = 32): number => Math.ceil(size / alignment) * alignment

function encode(value: GgufWritten): Buffer {
  if (value.type === 'raw') return Buffer.from(value.bytes)
  const type = ggufScalar('uint32', TYPES[value.type])
  if (value.type === 'string') return Buffer.concat([type, ggufText(value.value)])
  if (value.type !== 'array') return Buffer.concat([type, ggufScalar(value.type, value.value)])
  const { of } = value
  const items = value.values.map(item =>
    of === 'string' || typeof item === 'string' ? ggufText(String(item)) : ggufScalar(of, item),
  )
  return Buffer.concat([type, ggufScalar('uint32', TYPES[of]), long(BigInt(items.length)), ...items])
}

export function ggufScalar(type: Exclude<Scalar, 'string'>, value: number): Buffer {
  if (type === 'uint64') return long(BigInt(value))
  const buffer = Buffer.alloc(type === 'bool' || type === 'uint8' ? 1 : type === 'uint16' ? 2 : 4)
  if (type === 'float32') buffer.writeFloatLE(value)
  else if (type === 'int32') buffer.writeInt32LE(value)
  else buffer.writeUIntLE(value, 0, buffer.length)
  return buffer
}

export function long(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(value)
  return buffer
}

export function ggufText(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([long(BigInt(bytes.length)), bytes])
}
