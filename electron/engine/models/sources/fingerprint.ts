/** Digests of a checkpoint's weights: per tensor (streamed once, then remembered), as a whole, and per component. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256, sha256Stream } from '#engine/sha256.ts'
import { replaceFile } from '#engine/store/replaceFile.ts'
import { type Digest, isDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { CompiledLayers } from '../compile/architecture.ts'
import type { BoundComponent, ModelComponents } from '../model.ts'
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts'
import { openModelFile } from './modelFile.ts'

export type TensorDigests = ReadonlyMap<string, Digest>

export interface HashOptions {
  /** Folder for `weight-digests.json`, which spares the second reading of files that have not changed. */
  readonly cacheFolder?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

const CHUNK = 4 << 20
const CACHE_FILE = 'weight-digests.json'

/** SHA-256 of every tensor's raw bytes. Throws `E_CANCELLED` and `E_MODEL_WEIGHTS`. */
export async function hashTensors(checkpoint: Checkpoint, options: HashOptions): Promise<TensorDigests> {
  const digests = new Map<string, Digest>()
  const cache = await readCache(options.cacheFolder)
  const tensors = [...checkpoint.tensors.values()].sort((a, b) => a.offset - b.offset)
  const total = tensors.reduce((sum, tensor) => sum + tensor.length, 0)
  let done = 0
  let changed = false
  for (const file of checkpoint.files) {
    const path = join(checkpoint.folder, file)
    const mine = tensors.filter(tensor => tensor.file === file)
    const identity = await fileIdentity(path)
    let known = cache[path]
    if (known?.identity !== identity || mine.some(({ name }) => !isDigest(known?.digests[name]))) {
      known = { identity, digests: {} }
      for await (const [name, digest, bytes] of hashFile(path, mine, options)) {
        if (digest !== null) known.digests[name] = digest
        done += bytes
        options.onProgress?.({ done, total })
      }
      cache[path] = known
      changed = true
    } else {
      done += mine.reduce((sum, tensor) => sum + tensor.length, 0)
      options.onProgress?.({ done, total })
    }
    for (const { name } of mine) {
      const digest = known.digests[name]
      if (isDigest(digest)) digests.set(name, digest)
    }
  }
  if (changed) await writeCache(options.cacheFolder, cache)
  return digests
}

/** Yields [tensor, its digest or null while it goes on, bytes just read]. */
async function* hashFile(
  path: string,
  tensors: readonly CheckpointTensor[],
  { signal }: HashOptions,
): AsyncGenerator<[name: string, digest: Digest | null, bytes: number]> {
  await using file = await openModelFile(path, 'E_MODEL_WEIGHTS')
  const buffer = Buffer.allocUnsafe(CHUNK)
  for (const tensor of tensors) {
    const hash = sha256Stream()
    while (hash.size < tensor.length) {
      if (signal?.aborted === true) throw new StatePackError('E_CANCELLED', 'Cancelled while reading the weights.')
      const want = Math.min(CHUNK, tensor.length - hash.size)
      const { bytesRead } = await file.read(buffer, 0, want, tensor.offset + hash.size)
      if (bytesRead === 0) {
        throw new StatePackError('E_MODEL_WEIGHTS', `The weights file ${tensor.file} ended while it was being read.`, {
          file: tensor.file,
        })
      }
      hash.update(buffer.subarray(0, bytesRead))
      yield [tensor.name, null, bytesRead]
    }
    yield [tensor.name, hash.digest(), 0]
  }
}

/**
 * SHA-256 of RFC 8785 of the list [{name, dtype, shape, sha256}] sorted by name: independent of sharding and of the order
 * in the file. `tensors` must all have a digest.
 */
export function weightsDigest(tensors: readonly CheckpointTensor[], digests: TensorDigests): Digest {
  const list = tensors
    .map(({ name, dtype, shape }) => ({ name, dtype, shape, sha256: digests.get(name) ?? null }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return sha256(canonicalBytes(list))
}

/** Components 2, 7 and 8 of the Big 8+4; norms and mixers one a layer, then `final` for what follows the layers. */
export function bindComponents(
  checkpoint: Checkpoint,
  layers: CompiledLayers,
  digests: TensorDigests,
): ModelComponents {
  const bind = (name: string, tensors: CheckpointTensor[]): BoundComponent => ({
    name,
    digest: weightsDigest(tensors, digests),
    shape: tensors[0]?.shape ?? [],
  })
  const perLayer = (pattern: RegExp): BoundComponent[] => {
    const own = [...checkpoint.tensors.values()].flatMap(tensor => {
      const match = pattern.exec(tensor.name)
      return match === null ? [] : [{ tensor, layer: match[1] === undefined ? 'final' : `layer ${match[1]}` }]
    })
    const groups = Map.groupBy(own, ({ layer }) => layer)
    const rank = (name: string) => (name === 'final' ? Number.POSITIVE_INFINITY : Number(name.slice('layer '.length)))
    const bound = [...groups].map(([name, group]) => {
      const tensors = group.map(({ tensor }) => tensor)
      return bind(name, tensors)
    })
    return bound.sort((a, b) => rank(a.name) - rank(b.name))
  }
  const { embeddings, norm, mixer } = layers.components
  const tables = [...checkpoint.tensors.values()].filter(({ name }) => embeddings.includes(name))
  return { embeddings: bind('embeddings', tables), norms: perLayer(norm), mixers: perLayer(mixer) }
}

interface CacheEntry {
  identity: string
  digests: Record<string, unknown>
}

/** Size, modification time and inode: what changes when a file's bytes are replaced. */
async function fileIdentity(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true })
  return `${size} ${mtimeNs} ${ino}`
}

async function readCache(folder: string | undefined): Promise<Record<string, CacheEntry>> {
  if (folder === undefined) return {}
  try {
    const json: unknown = JSON.parse(await readFile(join(folder, CACHE_FILE), 'utf8'))
    const entries = Object.entries(Object(json)).filter((entry): entry is [string, CacheEntry] => isEntry(entry[1]))
    return Object.fromEntries(entries)
  } catch {
    return {} // absent or damaged: the weights are read again
  }
}

function isEntry(value: unknown): value is CacheEntry {
  const { identity, digests } = Object(value)
  return typeof identity === 'string' && typeof digests === 'object' && digests !== null
}

async function writeCache(folder: string | undefined, cache: Record<string, CacheEntry>): Promise<void> {
  if (folder === undefined) return
  const path = join(folder, CACHE_FILE)
  // A cache: failing to keep it (a read-only folder, a full disk) costs time, nothing else.
  await replaceFile(path, file => file.write(Buffer.from(JSON.stringify(cache)))).catch(() => undefined)
}
