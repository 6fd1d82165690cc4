/** A model as GGUF: one file, or all the parts of one that was split (`NAME-00001-of-00003.gguf`). */
import { readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { type GgufHeader, type GgufTensor, readGgufHeader } from './ggufHeader.ts'
import type { GgufMetadata } from './ggufMetadata.ts'

export interface GgufFile {
  /** The real folder of the parts, and their names there, in order. */
  readonly folder: string
  readonly files: readonly string[]
  /** Of the first part. */
  readonly metadata: GgufMetadata
  readonly tensors: readonly (GgufTensor & { readonly file: string })[]
}

const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/
const MOST_PARTS = 1024

/** True for every part of a split model but the first. */
export function isLaterPart(name: string): boolean {
  const number = PART.exec(name)?.[2]
  return number !== undefined && number !== '00001'
}

/** Opens the file, with its other parts where it is one of several. Throws what reading a header throws; each part is checked. */
export async function openGgufFile(path: string): Promise<GgufFile> {
  const real = await realpath(path)
  const first = readGgufHeader(real, basename(path))
  const count = first.metadata.get('split.count') ?? 1
  if (count === 1 || count === 0) return joined(dirname(real), [{ file: basename(real), header: first }])
  const [, name, , of] = PART.exec(basename(real)) ?? []
  if (name === undefined || Number(of) !== count || count > MOST_PARTS) {
    throw partError(path, `it says that it is one of ${String(count)} parts, and is not named so`)
  }
  const folder = dirname(real)
  const here = new Set(await readdir(folder))
  const parts = Array.from({ length: count }, (_, part) => {
    const file = `${name}-${String(part + 1).padStart(5, '0')}-of-${of}.gguf`
    if (!here.has(file)) throw partError(path, `its part ${file} is missing`)
    const header = readGgufHeader(join(folder, file), file)
    const [number, parts] = [header.metadata.get('split.no'), header.metadata.get('split.count')]
    if (number !== part || parts !== count)
      throw partError(file, `it says that it is part ${String(number)}, counted from 0`)
    return { file, header }
  })
  return joined(folder, parts)
}

function joined(folder: string, parts: readonly { file: string; header: GgufHeader }[]): GgufFile {
  const tensors = new Map<string, GgufTensor & { file: string }>()
  for (const { file, header } of parts) {
    for (const tensor of header.tensors) {
      if (tensors.has(tensor.name)) throw partError(file, `the tensor ${tensor.name} is in two parts`)
      tensors.set(tensor.name, { ...tensor, file })
    }
  }
  const metadata = parts[0]?.header.metadata ?? new Map()
  const expected = metadata.get('split.tensors.count') ?? tensors.size
  if (parts.length > 1 && expected !== tensors.size) {
    throw partError(parts[0]?.file ?? '', `its parts hold ${tensors.size} tensors, ${String(expected)} are announced`)
  }
  return { folder, files: parts.map(({ file }) => file), metadata, tensors: [...tensors.values()] }
}

function partError(path: string, what: string): StatePackError {
  const file = basename(path)
  return new StatePackError('E_MODEL_WEIGHTS', `The GGUF file ${file} cannot be used: ${what}.`, { file })
}
