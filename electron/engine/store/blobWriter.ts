/** Writing blobs: once, durably, many at a time. */

import { sha256Stream } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import { BlobReader } from './blobReader.ts'
import type { DiskUse } from './diskUse.ts'
import { discard, writeTemp } from './durableFile.ts'
import type { Fs } from './fs.ts'
import { storeError } from './fsError.ts'
import { inParallel } from './inParallel.ts'
import type { StoreLayout } from './layout.ts'
import type { NewBlob } from './newBlob.ts'
import { releaseTemp, tempPath } from './tempFiles.ts'

export interface PutResult {
  /** In the order of the blobs given. */
  readonly descriptors: readonly Descriptor[]
  /** Bytes of the blobs that were not there before. */
  readonly bytesWritten: number
}

/** A checked blob under a temporary name; {@link BlobWriter.commit} makes it durable and gives it its own name. */
export interface StagedBlob extends Descriptor {
  readonly temp: string
  /** Whether the bytes are on stable storage already. */
  readonly isSynced: boolean
  /** When they had been written, in milliseconds since 1970. */
  readonly at: number
}

/** One that is in the store: its bytes were checked there, and it is young for gc. */
export interface FoundBlob extends NewBlob {
  readonly isFound: true
}

/** What is younger need not be made young: far below the grace age of gc. */
const YOUNG_MS = 60_000

// Enough to let the disk join the flushes of many files, few enough to stay clear of the limit on open files.
const PARALLEL = 16

export class BlobWriter {
  readonly #fs: Fs
  readonly #layout: StoreLayout
  readonly #reader: BlobReader
  readonly #diskUse: DiskUse

  constructor(fs: Fs, layout: StoreLayout, diskUse: DiskUse) {
    this.#diskUse = diskUse
    this.#fs = fs
    this.#layout = layout
    this.#reader = new BlobReader(fs, layout)
  }

  /** Stores one blob; durable when it returns. */
  async put(blob: NewBlob): Promise<Descriptor> {
    const [descriptor] = (await this.putMany([blob])).descriptors
    if (descriptor === undefined) throw new StatePackError('E_INTERNAL', 'A put returned nothing.')
    return descriptor
  }

  /**
   * Stores many blobs as one group: all files written and flushed side by side, then all named, then one flush of the
   * folder. Durable when it returns; descriptors in the order given. Blobs already there are checked, not rewritten,
   * and made young again for gc; a damaged one is replaced. What was staged before gets its name with the others, and stays its
   * owner's to discard where that does not come about.
   */
  async putMany(blobs: readonly (NewBlob | FoundBlob | StagedBlob)[]): Promise<PutResult> {
    const distinct = new Map(blobs.map(blob => [blob.digest, blob]))
    const staged: StagedBlob[] = []
    try {
      await inParallel([...distinct.values()], PARALLEL, async blob => {
        const { mediaType, digest, size } = blob
        if ('isFound' in blob && this.#reader.hasNow({ mediaType, digest, size })) return
        if (await this.#isThere({ mediaType, digest, size })) return
        staged.push('temp' in blob ? blob : await this.stageBlob(blob))
      })
    } catch (error) {
      await this.discard(staged)
      throw storeError(error, 'write to the store', 'write')
    }
    await this.commit(staged)
    const descriptors = blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }))
    return { descriptors, bytesWritten: staged.reduce((sum, { size }) => sum + size, 0) }
  }

  /** The blob as one that is in the store, whole; null where it is not. Throws storage errors. */
  async find(blob: NewBlob): Promise<FoundBlob | null> {
    const { mediaType, digest, size } = blob
    try {
      return (await this.#isThere({ mediaType, digest, size })) ? { ...blob, isFound: true } : null
    } catch (error) {
      throw storeError(error, 'write to the store', 'write')
    }
  }

  /** The bytes of a blob on stable storage, under a temporary name; to be put with others, or discarded. */
  async stageBlob({ mediaType, digest, size, bytes }: NewBlob): Promise<StagedBlob> {
    try {
      const temp = await writeTemp(this.#fs, this.#layout.tmp, bytes)
      return { mediaType, digest, size, temp, isSynced: true, at: Date.now() }
    } catch (error) {
      throw storeError(error, 'write to the store', 'write')
    }
  }

  /**
   * Stores a stream without holding it in memory. With `expected`, a stream that is longer is cut off at the first byte
   * too many (`E_TOO_LARGE`), one that is shorter or different is refused (`E_CORRUPT`), and nothing is left behind.
   */
  async putStream(
    source: AsyncIterable<Uint8Array>,
    options: { mediaType: string; expected?: { digest: Digest; size: number } },
  ): Promise<Descriptor> {
    const staged = await this.stage(source, options)
    await this.commit([staged])
    const { mediaType, digest, size } = staged
    return { mediaType, digest, size }
  }

  /** The first half of {@link BlobWriter.putStream}: bytes checked, under a temporary name, to be committed or discarded. */
  async stage(
    source: AsyncIterable<Uint8Array>,
    options: { mediaType: string; expected?: { digest: Digest; size: number } },
  ): Promise<StagedBlob> {
    const { expected } = options
    const temp = tempPath(this.#layout.tmp)
    const hash = sha256Stream()
    try {
      const file = await this.#fs.open(temp, 'create')
      try {
        for await (const chunk of source) {
          hash.update(chunk)
          if (expected !== undefined && hash.size > expected.size) {
            throw new StatePackError('E_TOO_LARGE', 'More bytes came than were announced.', { digest: expected.digest })
          }
          await file.write(chunk)
        }
        if (expected !== undefined && hash.size !== expected.size) {
          throw new StatePackError('E_CORRUPT', `Only ${hash.size} of ${expected.size} bytes came.`, {
            digest: expected.digest,
          })
        }
      } finally {
        await file.close()
      }
      const digest = hash.digest()
      if (expected !== undefined && digest !== expected.digest) {
        throw new StatePackError('E_CORRUPT', 'The bytes that came are not the ones their digest names.', {
          expected: expected.digest,
          found: digest,
        })
      }
      return { mediaType: options.mediaType, digest, size: hash.size, temp, isSynced: false, at: Date.now() }
    } catch (error) {
      await discard(this.#fs, temp)
      throw storeError(error, 'write to the store', 'write')
    }
  }

  /** Flushes staged blobs side by side, gives them their names, then makes the names durable with one flush. */
  async commit(staged: readonly StagedBlob[]): Promise<void> {
    const waiting = new Set(staged)
    try {
      await inParallel(
        staged.filter(({ isSynced }) => !isSynced),
        PARALLEL,
        ({ temp }) => this.#sync(temp),
      )
      await inParallel(staged, PARALLEL, async blob => {
        // Young from now on: a slow transfer, or a long reading, may have written it longer ago than the grace age of gc.
        if (Date.now() - blob.at > YOUNG_MS) await this.#fs.touch(blob.temp)
        await this.#fs.rename(blob.temp, this.#layout.blob(blob.digest))
        releaseTemp(blob.temp)
        waiting.delete(blob)
        this.#diskUse.add(blob.size)
      })
      // Also when nothing was renamed: a blob found there may have been named by a process that has not flushed yet.
      await this.#fs.syncFolder(this.#layout.blobs)
    } catch (error) {
      await this.discard([...waiting])
      throw storeError(error, 'write to the store', 'write')
    }
  }

  /** Removes staged blobs that have not been committed, and will not be. */
  async discard(staged: readonly StagedBlob[]): Promise<void> {
    await inParallel(staged, PARALLEL, async ({ temp }) => {
      if (releaseTemp(temp)) await discard(this.#fs, temp)
    })
  }

  /** A flush reaches all bytes of a file, whoever wrote them. */
  async #sync(path: string): Promise<void> {
    const file = await this.#fs.open(path, 'append')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #isThere(descriptor: Descriptor): Promise<boolean> {
    if (!this.#reader.hasNow(descriptor)) return false
    try {
      await this.#reader.check(descriptor)
      await this.#fs.touch(this.#layout.blob(descriptor.digest))
      return true
    } catch (error) {
      if (error instanceof StatePackError && (error.code === 'E_CORRUPT' || error.code === 'E_MISSING_BLOB'))
        return false
      throw error
    }
  }
}
