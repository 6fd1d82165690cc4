/**
 * The header of a GGUF file (version 2 or 3, little-endian; the specification is docs/gguf.md of ggml), checked as strictly
 * as a safetensors header: tensors follow each other without hole or overlap and end where the file does.
 */
import { closeSync, fstatSync } from 'node:fs'
import { StatePackError } from '#shared/domain/error.ts'
import { openModelFileSync } from '../modelFile.ts'
import { GgufBytes } from './ggufBytes.ts'
import { type GgufMetadata, readMetadata } from './ggufMetadata.ts'
import { GGUF_TYPES, type GgufType, OTHER_TYPES } from './ggufTypes.ts'

export interface GgufTensor {
  readonly name: string
  readonly type: GgufType
  /** Outermost dimension first, as everywhere else here; GGUF writes them the other way round. */
  readonly shape: readonly number[]
  /** From the start of the file, and bytes. */
  readonly offset: number
  readonly length: number
}

export interface GgufHeader {
  readonly metadata: GgufMetadata
  readonly tensors: readonly GgufTensor[]
}

const MAGIC = 0x46554747 // "GGUF"
const MOST_PAIRS = 1 << 16
const MOST_TENSORS = 1 << 16
/** ggml's GGML_MAX_NAME, the final zero included. */
const LONGEST_NAME = 63
const MOST_DIMS = 4
const LARGEST_ALIGNMENT = 1 << 16

/** Throws `E_MODEL_WEIGHTS` for a file that is damaged or lies, `E_NOT_SUPPORTED` for a version or type, by name. */
export function readGgufHeader(path: string, label: string): GgufHeader {
  const fd = openModelFileSync(path, 'E_MODEL_WEIGHTS')
  try {
    const bytes = new GgufBytes(fd, { size: fstatSync(fd).size, label })
    if (bytes.u32() !== MAGIC) throw bytes.error('it does not begin with "GGUF"')
    requireVersion(bytes.u32(), label)
    const tensorCount = bytes.count('the number of tensors', { least: 33, most: MOST_TENSORS })
    const pairCount = bytes.count('the number of keys', { least: 13, most: MOST_PAIRS })
    const metadata = readMetadata(bytes, pairCount)
    const infos = Array.from({ length: tensorCount }, () => readInfo(bytes))
    const alignment = alignmentOf(metadata, bytes)
    const start = Math.ceil(bytes.position / alignment) * alignment
    return { metadata, tensors: place(infos, { bytes, start, alignment }) }
  } finally {
    closeSync(fd)
  }
}

function requireVersion(version: number, label: string): void {
  if (version === 2 || version === 3) return
  const swapped = version % 65536 === 0
  const what = swapped ? 'is big-endian' : `is of GGUF version ${version}`
  throw new StatePackError('E_NOT_SUPPORTED', `${label} ${what}; versions 2 and 3, little-endian, are read.`, {
    file: label,
  })
}

type Info = Omit<GgufTensor, 'offset'> & { readonly at: number }

function readInfo(bytes: GgufBytes): Info {
  const name = bytes.string('a tensor name', LONGEST_NAME)
  if (name === '') throw bytes.error('a tensor has no name')
  const dims = bytes.u32()
  if (dims < 1 || dims > MOST_DIMS) throw bytes.error(`the tensor ${name} has ${dims} dimensions`)
  const shape: number[] = []
  for (let axis = 0; axis < dims; axis++) {
    const size = bytes.u64(`a dimension of ${name}`)
    if (size < 1) throw bytes.error(`a dimension of ${name} is ${size}`)
    shape.unshift(size)
  }
  const type = typeOf(bytes, bytes.u32(), name)
  const inner = shape.at(-1) ?? 0
  if (inner % type.block !== 0) {
    throw bytes.error(
      `the rows of ${name} have ${inner} numbers, no multiple of the ${type.block} in a ${type.name} block`,
    )
  }
  const length = shape.reduce((product, dim) => product * dim, type.bytes / type.block)
  if (!Number.isSafeInteger(length) || length > bytes.size) {
    throw bytes.error(`the tensor ${name} ${type.name} [${shape}] needs ${length} bytes, the file has ${bytes.size}`)
  }
  return { name, type, shape, length, at: bytes.u64(`the offset of ${name}`) }
}

function typeOf(bytes: GgufBytes, id: number, name: string): GgufType {
  const type = GGUF_TYPES.get(id)
  if (type !== undefined) return type
  const other = OTHER_TYPES.get(id)
  if (other === undefined) throw bytes.error(`the tensor ${name} has the type ${id}, which is not known`)
  const read = [...GGUF_TYPES.values()].map(each => each.name).join(', ')
  const message = `The tensor ${name} in ${bytes.label} has the type ${other}, which is not supported; supported: ${read}.`
  throw new StatePackError('E_NOT_SUPPORTED', message, { file: bytes.label, tensor: name, type: other })
}

function alignmentOf(metadata: GgufMetadata, bytes: GgufBytes): number {
  const alignment = metadata.get('general.alignment') ?? 32
  const isPower = typeof alignment === 'number' && Number.isInteger(Math.log2(alignment))
  if (!isPower || alignment < 8 || alignment > LARGEST_ALIGNMENT) {
    throw bytes.error(`its alignment is ${String(alignment)}, not a power of two from 8 to ${LARGEST_ALIGNMENT}`)
  }
  return alignment
}

function place(
  infos: readonly Info[],
  { bytes, start, alignment }: { bytes: GgufBytes; start: number; alignment: number },
): GgufTensor[] {
  const names = new Set<string>()
  const tensors: GgufTensor[] = []
  let next = 0
  let end = 0
  for (const { at, ...info } of [...infos].sort((a, b) => a.at - b.at)) {
    if (names.has(info.name)) throw bytes.error(`the tensor ${info.name} is there twice`)
    names.add(info.name)
    if (at !== next) throw bytes.error(`the tensor ${info.name} begins at ${at}, expected ${next}`)
    end = at + info.length
    next = Math.ceil(end / alignment) * alignment
    tensors.push({ ...info, offset: start + at })
  }
  if (tensors.length > 0 && start + end > bytes.size) {
    throw bytes.error(`its tensors end at byte ${start + end}, the file at ${bytes.size}: it is truncated`)
  }
  if (bytes.size > start + next) throw bytes.error(`its tensors end at byte ${start + end}, and other bytes follow`)
  return tensors
}
