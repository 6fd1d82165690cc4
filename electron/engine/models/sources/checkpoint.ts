/** Where every tensor of a checkpoint lies: the headers of its safetensors files, checked, with no weight read. */
import { readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { openModelFile, readModelFile, WEIGHTS_INDEX } from './modelFile.ts'
import { modelText } from './modelText.ts'
import { weightFileNames } from './weightFileNames.ts'

export interface CheckpointTensor {
  readonly name: string
  /** As the header says: `F32`, `F16`, `BF16`, a quantised type of GGUF, or one that only constants nobody reads may have. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** The weight file's real name inside {@link Checkpoint.folder}. */
  readonly file: string
  /** Byte offset from the start of the file. */
  readonly offset: number
  readonly length: number
  /** What a GGUF file stores otherwise than the compiler means it; absent: nothing. */
  readonly arrangement?: Arrangement
  /** Set when the numbers are kept as codes with scales beside them: then `dtype`, `offset` and `length` are the codes'. */
  readonly packed?: PackedParts
}

/**
 * `interleaved`: each head's rows pair 2i with 2i + 1 for the rotation, not i with i + headDim/2. `negative-exponential`:
 * -exp of what is meant. `one-added`: what is meant, plus one. `turned`: the transpose of what is meant, its shape too.
 */
export type Arrangement =
  | { readonly kind: 'interleaved'; readonly heads: number }
  | { readonly kind: 'negative-exponential' | 'one-added' }
  | { readonly kind: 'turned' }

/** The tensors that together are one: weight = scale · (code - half) + offset, exactly as a GGUF file has them. */
export interface PackedParts {
  /** Weights that share a scale and an offset, neighbours in a row. */
  readonly group: number
  /** uint8 `[rows, groups, group / 2]`, the lower four bits first; null where the codes need eight. */
  readonly codes4: CheckpointTensor | null
  /** uint8 `[rows, groups, group]`; null where only products need it. */
  readonly codes8: CheckpointTensor | null
  /** float32 `[rows, groups]`. */
  readonly scales: CheckpointTensor
  readonly offsets: CheckpointTensor | null
}

export interface Checkpoint {
  /** The real folder of the weight files: a hub snapshot holds links, and ONNX Runtime refuses links. */
  readonly folder: string
  readonly files: readonly string[]
  readonly tensors: ReadonlyMap<string, CheckpointTensor>
}

/** One safetensors file as a checkpoint, with the `__metadata__` of its header. */
export async function readCheckpointFile(
  path: string,
): Promise<Checkpoint & { metadata: Readonly<Record<string, unknown>> }> {
  const real = await realpath(path)
  const { tensors, metadata } = await readHeader(real, basename(path))
  return {
    folder: dirname(real),
    files: [basename(real)],
    tensors: new Map(tensors.map(tensor => [tensor.name, tensor])),
    metadata,
  }
}

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1, U16: 2, U32: 4, U64: 8 }
const HEADER_LIMIT = 100_000_000

/** The header rules are those of the reference reader (the safetensors crate): 100 MB cap, no holes, exact end. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const names = await weightFiles(folder)
  const tensors = new Map<string, CheckpointTensor>()
  const folders = new Set<string>()
  const files: string[] = []
  for (const { name, expected } of names) {
    const path = await realpath(join(folder, name)).catch(() => null)
    if (path === null) throw weightsError(name, 'the file is missing')
    folders.add(dirname(path))
    files.push(basename(path))
    const { tensors: found } = await readHeader(path, name)
    for (const tensor of found) {
      if (tensors.has(tensor.name)) throw weightsError(name, `the tensor ${tensor.name} is in two files`)
      tensors.set(tensor.name, tensor)
    }
    const here = new Set(found.map(tensor => tensor.name))
    const missing = expected.find(tensor => !here.has(tensor))
    if (missing !== undefined) throw weightsError(name, `the index says it holds ${missing}, and it does not`)
  }
  const [real, another] = folders
  if (real === undefined || another !== undefined) {
    throw weightsError(names[0]?.name ?? 'model.safetensors', 'its shards lie in different folders')
  }
  return { folder: real, files, tensors }
}

/** True when the folder has weights in safetensors. */
export async function hasCheckpoint(folder: string): Promise<boolean> {
  return weightFileNames(await readdir(folder).catch(() => [])) !== null
}

/** The files that {@link weightFileNames} finds, each with the tensors that an index says it must hold. */
async function weightFiles(folder: string): Promise<{ name: string; expected: string[] }[]> {
  const names = weightFileNames(await readdir(folder))
  if (names === null) {
    throw weightsError('model.safetensors', 'the folder has neither this file, nor an index or a set of shards')
  }
  const { index, files } = names
  if (index === null) return files.map(name => ({ name, expected: [] }))
  const text = modelText(await readModelFile(join(folder, index), WEIGHTS_INDEX), index, 'E_MODEL_WEIGHTS')
  const entries = Object.entries(weightMap(text, index)).map(([tensor, file]) => {
    if (typeof file === 'string' && file === basename(file) && file.endsWith('.safetensors')) return { tensor, file }
    throw weightsError(index, `the entry of ${tensor} is not the name of a shard`)
  })
  const shards = Map.groupBy(entries, ({ file }) => file)
  if (shards.size === 0) throw weightsError(index, 'it lists no shard')
  return [...shards]
    .map(([name, own]) => ({ name, expected: own.map(({ tensor }) => tensor) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function weightMap(text: string, indexName: string): Record<string, unknown> {
  try {
    const map: unknown = JSON.parse(text)?.weight_map
    if (typeof map === 'object' && map !== null) return { ...map }
  } catch (error) {
    throw weightsError(indexName, 'it is not JSON', error)
  }
  throw weightsError(indexName, 'it has no weight_map')
}

async function readHeader(
  path: string,
  label: string,
): Promise<{ tensors: CheckpointTensor[]; metadata: Readonly<Record<string, unknown>> }> {
  await using file = await openModelFile(path, 'E_MODEL_WEIGHTS')
  const { size } = await file.stat()
  const prefix = Buffer.alloc(8)
  if (size < 8 || (await file.read(prefix, 0, 8, 0)).bytesRead < 8)
    throw weightsError(label, 'it is shorter than its length field')
  const headerLength = Number(prefix.readBigUInt64LE())
  if (headerLength > HEADER_LIMIT) throw weightsError(label, `its header claims ${headerLength} bytes`)
  if (8 + headerLength > size)
    throw weightsError(label, `its header ends at byte ${8 + headerLength}, the file at ${size}`)
  const header = Buffer.alloc(headerLength)
  await file.read(header, 0, headerLength, 8)
  const { entries, metadata } = parseHeader(header, label)
  const dataStart = 8 + headerLength
  let end = 0
  const tensors: CheckpointTensor[] = []
  for (const entry of entries.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end)
      throw weightsError(label, `the tensor ${entry.name} begins at ${entry.begin}, expected ${end}`)
    end = entry.end
    const { name, dtype, shape } = entry
    tensors.push({
      name,
      dtype,
      shape,
      file: basename(path),
      offset: dataStart + entry.begin,
      length: end - entry.begin,
    })
  }
  if (dataStart + end !== size) {
    throw weightsError(
      label,
      `its tensors end at byte ${dataStart + end}, the file at ${size}: it is ${dataStart + end > size ? 'truncated' : 'followed by other bytes'}`,
    )
  }
  return { tensors, metadata }
}

interface HeaderEntry {
  readonly name: string
  readonly dtype: string
  readonly shape: number[]
  readonly begin: number
  readonly end: number
}

function parseHeader(
  header: Buffer,
  file: string,
): { entries: HeaderEntry[]; metadata: Readonly<Record<string, unknown>> } {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header))
  } catch (error) {
    throw weightsError(file, 'its header is not JSON', error)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw weightsError(file, 'its header is not an object')
  }
  const { __metadata__: metadata, ...tensors } = { __metadata__: {}, ...json }
  return {
    entries: Object.entries(tensors).map(([name, value]) => parseEntry(name, value, file)),
    metadata: { ...Object(metadata) },
  }
}

function parseEntry(name: string, value: unknown, file: string): HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = Object(value)
  const isCount = (n: unknown): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0
  const isCounts = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount)
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw weightsError(file, `the header entry of ${name} is malformed`)
  }
  const [begin = 0, end = 0] = offsets
  const width: number | undefined = Object.entries(BYTES).find(([type]) => type === dtype)?.[1]
  const bytes = shape.reduce((product, dim) => product * dim, width ?? Number.NaN)
  if (width !== undefined && bytes !== end - begin) {
    throw weightsError(file, `the tensor ${name} ${dtype} [${shape}] needs ${bytes} bytes and has ${end - begin}`)
  }
  return { name, dtype, shape, begin, end }
}

/** Constants that old exports saved along with the weights; not parameters. */
export function isBuffer(name: string): boolean {
  return /(^|\.)attn\.(bias|masked_bias)$|rotary_emb\.inv_freq$/.test(name)
}

function weightsError(file: string, what: string, cause?: unknown): StatePackError {
  return new StatePackError('E_MODEL_WEIGHTS', `The weights file ${file} cannot be used: ${what}.`, { file }, cause)
}
