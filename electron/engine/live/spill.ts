import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import type { MemoryHold } from '../inference/tierEntry.ts'
import { discard } from '../store/durableFile.ts'
import { storeError } from '../store/fsError.ts'
import type { NewBlob } from '../store/newBlob.ts'
import { hashAside } from '../store/readHashed.ts'
import type { StoreParts } from '../store/storeParts.ts'
import { tempPath } from '../store/tempFiles.ts'

/** Blobs of one state that leave memory together. */
export interface Leaving {
  readonly label: string
  /** Tokens that would have to be read to have them again. */
  readonly cost: number
  readonly blobs: readonly NewBlob[]
}

interface SpillFile {
  readonly path: string
  readonly label: string
  /** Where each blob begins; those that nobody needs any more are taken out. */
  readonly places: Map<Digest, { readonly at: number; readonly blob: Omit<NewBlob, 'bytes'> }>
  hold: MemoryHold | null
  /** How often its blobs are in use. */
  users: number
  isGone: boolean
  written: Promise<void>
}

/** Up to here bytes are copied together: another write takes longer. */
const SMALL = 64 * 1024

/**
 * What leaves memory of states that nobody stored, on disk, within a tier's budget: a file for all that left together. They are
 * not flushed, since nobody was promised that they outlive this process; each read is verified. The next who opens the store
 * alone clears what a process left that was killed.
 */
export class Spill {
  readonly #tier: MemoryTier
  readonly #store: Pick<StoreParts, 'fs' | 'layout'>
  readonly #prepare: () => Promise<unknown>
  readonly #onGone: (digests: readonly Digest[]) => void
  readonly #files = new Map<Digest, SpillFile>()
  readonly #used = new Map<Digest, number>()
  readonly #removing = new Set<Promise<void>>()

  /** `prepare`: brings the tier's budget up to date, before each write. `onGone`: these have been given up. */
  constructor(
    tier: MemoryTier,
    {
      store,
      prepare,
      onGone,
    }: {
      readonly store: Pick<StoreParts, 'fs' | 'layout'>
      readonly prepare: () => Promise<unknown>
      readonly onGone: (digests: readonly Digest[]) => void
    },
  ) {
    this.#tier = tier
    this.#store = store
    this.#prepare = prepare
    this.#onGone = onGone
  }

  has(digest: Digest): boolean {
    return this.#files.has(digest)
  }

  /**
   * Writes what leaves, once there is room: what is worth least is given up, which may be this. Throws what writing throws, and
   * `E_DISK_FULL` where it is in use and so is all that is there; then nothing of it is there.
   */
  async write({ label, cost, blobs }: Leaving): Promise<void> {
    const { fs, layout } = this.#store
    await this.#prepare()
    const done = Promise.withResolvers<void>()
    const file: SpillFile = {
      ...{ path: tempPath(layout.unstored), label, places: new Map(), hold: null, isGone: false },
      users: blobs.reduce((sum, { digest }) => sum + (this.#used.get(digest) ?? 0), 0),
      written: done.promise,
    }
    let bytes = 0
    for (const { bytes: _, ...blob } of blobs) {
      this.drop(blob.digest)
      this.#files.set(blob.digest, file)
      file.places.set(blob.digest, { at: bytes, blob })
      bytes += blob.size
    }
    try {
      const entry = { label, bytes, cost, from: 'warm', below: 'gone', reason: 'it left memory, not stored' } as const
      const evict = () => {
        const digests = [...file.places.keys()]
        this.#remove(file)
        this.#onGone(digests)
      }
      file.hold = this.#tier.hold({ ...entry, evict }, { inUse: file.users > 0 })
      if (file.isGone) return
      // What made room is really gone before this is there.
      await Promise.all(this.#removing)
      if (file.isGone) return
      if (this.#tier.bytes > this.#tier.budget)
        throw new StatePackError('E_DISK_FULL', 'The cold tier has no room: all that is there is in use.', { bytes })
      const out = await fs.open(file.path, 'create')
      try {
        for (const piece of piecesOf(blobs)) await out.write(piece)
      } finally {
        await out.close()
      }
    } catch (error) {
      file.hold?.drop()
      this.#forget(file)
      await discard(fs, file.path)
      throw storeError(error, 'write what leaves memory', 'write')
    } finally {
      done.resolve()
    }
  }

  /** Reads and verifies; null where there is no such blob. Throws `E_CORRUPT`, and what reading throws. */
  async read(digest: Digest): Promise<NewBlob | null> {
    const file = this.#files.get(digest)
    const place = file?.places.get(digest)
    if (file === undefined || place === undefined) return null
    file.hold?.touch()
    const { at, blob } = place
    try {
      const from = await this.#store.fs.open(file.path, 'read')
      const read = await from.read(at, blob.size).finally(() => from.close())
      const { bytes, sha256 } = await hashAside(read)
      if (sha256 !== hexOf(digest))
        throw new StatePackError('E_CORRUPT', 'What left memory is not on disk as it was written.', { digest })
      return { ...blob, bytes }
    } catch (error) {
      if (file.isGone) return null
      throw storeError(error, 'read what left memory', 'read')
    }
  }

  /** It was useful just now. */
  touch(digest: Digest): void {
    this.#files.get(digest)?.hold?.touch()
  }

  /** An operation uses these: what of them is here, or comes here, stays until {@link Spill.rest}. */
  use(digests: readonly Digest[]): void {
    for (const digest of digests) {
      this.#used.set(digest, (this.#used.get(digest) ?? 0) + 1)
      const file = this.#files.get(digest)
      if (file !== undefined && file.users++ === 0) file.hold?.use(file.label)
    }
  }

  rest(digests: readonly Digest[]): void {
    for (const digest of digests) {
      const left = (this.#used.get(digest) ?? 1) - 1
      if (left === 0) this.#used.delete(digest)
      else this.#used.set(digest, left)
      const file = this.#files.get(digest)
      if (file !== undefined && --file.users === 0) file.hold?.rest()
    }
  }

  /** Nobody needs a blob any more; its file goes with the last of its blobs, for this reason where something is given up. */
  drop(digest: Digest, reason?: string): void {
    const file = this.#files.get(digest)
    if (file === undefined) return
    this.#files.delete(digest)
    file.places.delete(digest)
    const wasUsed = file.users > 0
    file.users -= this.#used.get(digest) ?? 0
    if (file.places.size === 0) {
      file.hold?.drop(reason)
      this.#remove(file)
    } else if (wasUsed && file.users === 0) file.hold?.rest()
  }

  /** Resolves when what was given up is off the disk. */
  async settle(): Promise<void> {
    while (this.#removing.size > 0) await Promise.all(this.#removing)
  }

  /** Removes all of it. */
  async close(): Promise<void> {
    for (const digest of [...this.#files.keys()]) this.drop(digest)
    await this.settle()
  }

  #forget(file: SpillFile): void {
    file.isGone = true
    for (const digest of file.places.keys()) if (this.#files.get(digest) === file) this.#files.delete(digest)
  }

  #remove(file: SpillFile): void {
    this.#forget(file)
    const removed = file.written
      .then(() => discard(this.#store.fs, file.path))
      .finally(() => this.#removing.delete(removed))
    this.#removing.add(removed)
  }
}

/** The bytes of blobs in their order, small ones together. */
function* piecesOf(blobs: readonly NewBlob[]): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  for (const { bytes } of blobs) {
    if (bytes.byteLength <= SMALL) {
      small.push(bytes)
      continue
    }
    if (small.length > 0) yield Buffer.concat(small)
    small = []
    yield bytes
  }
  if (small.length > 0) yield Buffer.concat(small)
}
