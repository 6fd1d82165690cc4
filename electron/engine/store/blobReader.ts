/** Reading blobs: verified on every read, size before digest. */

import { sha256Stream } from '#engine/sha256.ts'
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import type { Fs, FsFile } from './fs.ts'
import { storeError, systemCode } from './fsError.ts'
import type { HashBounds } from './hashFile.ts'
import type { StoreLayout } from './layout.ts'

/** A blob is asked for by digest (it may not exist) or by the descriptor of something that needs it (then it must). */
export type BlobRef = Digest | Descriptor

const CHUNK = 1024 * 1024
/** Small enough to show how far a slow line is. */
const PART = 128 * 1024

export class BlobReader {
  readonly #fs: Fs
  readonly #layout: StoreLayout

  constructor(fs: Fs, layout: StoreLayout) {
    this.#fs = fs
    this.#layout = layout
  }

  /**
   * The whole blob, re-hashed. Absent: `E_NOT_FOUND` for a digest, `E_MISSING_BLOB` for a descriptor. Wrong bytes:
   * `E_CORRUPT`. Unreadable: `E_IO` or `E_STORE_UNREADABLE`. Over `maxBytes`: `E_TOO_LARGE`, before reading.
   */
  read(ref: BlobRef, { maxBytes }: { maxBytes?: number } = {}): Promise<Uint8Array> {
    return this.#hashed(ref, { most: maxBytes })
  }

  async #hashed(ref: BlobRef, bounds: Pick<HashBounds, 'most' | 'onlyHash'>): Promise<Uint8Array> {
    const digest = digestOf(ref)
    const wanted = typeof ref === 'string' ? undefined : ref.size
    const { size, content } = await this.#fs
      .readHashed(this.#layout.blob(digest), { size: wanted, ...bounds })
      .catch(error => {
        throw whyNotOpened(error, ref)
      })
    if (wanted !== undefined && size !== wanted) throw corrupt(digest)
    if (content === null) {
      throw new StatePackError('E_TOO_LARGE', 'A blob has more bytes than is allowed here.', { digest, size })
    }
    if (content.sha256 !== hexOf(digest)) throw corrupt(digest)
    return content.bytes
  }

  /**
   * The blob in chunks of at most 1 MiB. The last step re-checks the digest and throws `E_CORRUPT`, so what was yielded
   * counts only once the iteration has ended normally.
   */
  async *stream(ref: BlobRef): AsyncGenerator<Uint8Array, void, undefined> {
    const digest = digestOf(ref)
    const { file, size } = await this.#open(ref)
    try {
      const hash = sha256Stream()
      for (let at = 0; at < size; ) {
        const chunk = await file.read(at, Math.min(CHUNK, size - at)).catch(error => {
          throw unreadable(error, digest)
        })
        if (chunk.byteLength === 0) throw corrupt(digest)
        hash.update(chunk)
        at += chunk.byteLength
        yield chunk
      }
      if (hash.digest() !== digest) throw corrupt(digest)
    } finally {
      await file.close().catch(() => {})
    }
  }

  /**
   * The bytes from `start` to `end` of a blob, in chunks: for a transfer that goes on where it was. A part proves nothing
   * of the whole: whoever receives it must check that.
   */
  async *part(
    blob: Descriptor,
    { start, end }: { start: number; end: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { file } = await this.#open(blob)
    try {
      for (let at = start; at < end; ) {
        const chunk = await file.read(at, Math.min(PART, end - at))
        if (chunk.byteLength === 0) throw corrupt(blob.digest)
        at += chunk.byteLength
        yield chunk
      }
    } catch (error) {
      throw unreadable(error, blob.digest)
    } finally {
      await file.close().catch(() => {})
    }
  }

  /** Re-hashes the blob without keeping it, on another thread where it is large; throws as {@link BlobReader.read} does. */
  async check(ref: BlobRef): Promise<void> {
    await this.#hashed(ref, { onlyHash: true })
  }

  /** True when there is a file under this digest (of the right size, for a descriptor). Does not read its bytes. */
  async has(ref: BlobRef): Promise<boolean> {
    const size = await this.size(digestOf(ref))
    return size !== null && (typeof ref === 'string' || ref.size === size)
  }

  /** The same in this very turn: for a few of them. */
  hasNow(ref: BlobRef): boolean {
    const digest = digestOf(ref)
    try {
      const status = this.#fs.statusNow(this.#layout.blob(digest))
      return status?.kind === 'file' && (typeof ref === 'string' || ref.size === status.size)
    } catch (error) {
      throw unreadable(error, digest)
    }
  }

  /** Bytes of the blob on disk, or null when it is absent. */
  async size(digest: Digest): Promise<number | null> {
    try {
      const status = await this.#fs.status(this.#layout.blob(digest))
      return status.kind === 'file' ? status.size : null
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null
      throw unreadable(error, digest)
    }
  }

  async #open(ref: BlobRef): Promise<{ file: FsFile; size: number }> {
    const digest = digestOf(ref)
    let file: FsFile
    try {
      file = await this.#fs.open(this.#layout.blob(digest), 'read')
    } catch (error) {
      throw whyNotOpened(error, ref)
    }
    try {
      const size = await file.size()
      if (typeof ref !== 'string' && size !== ref.size) throw corrupt(digest)
      return { file, size }
    } catch (error) {
      await file.close().catch(() => {})
      throw unreadable(error, digest)
    }
  }
}

function digestOf(ref: BlobRef): Digest {
  return typeof ref === 'string' ? ref : ref.digest
}

function whyNotOpened(error: unknown, ref: BlobRef): StatePackError {
  if (systemCode(error) === 'ENOENT') return absent(ref)
  // A link where a blob should be: somebody else put it there.
  if (systemCode(error) === 'ELOOP') return corrupt(digestOf(ref))
  return unreadable(error, digestOf(ref))
}

function absent(ref: BlobRef): StatePackError {
  const digest = digestOf(ref)
  return typeof ref === 'string'
    ? new StatePackError('E_NOT_FOUND', 'There is nothing under this digest in the store.', { digest })
    : new StatePackError('E_MISSING_BLOB', 'A part of this cartridge is missing from the store.', {
        digest,
        mediaType: ref.mediaType,
      })
}

function corrupt(digest: Digest): StatePackError {
  return new StatePackError('E_CORRUPT', 'The bytes in the store are not the ones their digest names.', { digest })
}

function unreadable(thrown: unknown, digest: Digest): StatePackError {
  return storeError(thrown, `read ${digest} from the store`, 'read')
}
