/** Blobs of a file that is still being judged: hashed and on the disk, under temporary names, seen by nobody. */
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import { BlobReader } from '../blobReader.ts'
import type { StagedBlob } from '../blobWriter.ts'
import { MANIFEST_CAP } from '../manifests.ts'
import type { StoreParts } from '../storeParts.ts'

export class Staging {
  /** Verified reads of what has been staged. */
  readonly reader: BlobReader
  readonly #store: StoreParts
  readonly #maxBytes: number
  readonly #blobs = new Map<Digest, StagedBlob>()
  #bytes = 0

  constructor(store: StoreParts, maxBytes: number) {
    this.#store = store
    this.#maxBytes = maxBytes
    this.reader = new BlobReader(store.fs, { ...store.layout, blob: digest => this.#path(digest) })
  }

  has(digest: Digest): boolean {
    return this.#blobs.has(digest)
  }

  /** Takes a blob in, checking size and digest while it streams. Throws `E_TOO_LARGE` before the first byte too many. */
  async add(source: AsyncIterable<Uint8Array>, expected: Descriptor): Promise<void> {
    this.#bytes += expected.size
    if (this.#bytes > this.#maxBytes) {
      throw new StatePackError('E_TOO_LARGE', 'The cartridge is larger than is allowed here.', {
        maxBytes: this.#maxBytes,
      })
    }
    const staged = await this.#store.writer.stage(source, { mediaType: expected.mediaType, expected })
    this.#blobs.set(expected.digest, staged)
  }

  /** Throws `E_MISSING_BLOB` or `E_CORRUPT` unless this blob has been taken in with this size. */
  expect({ digest, size, mediaType }: Descriptor): void {
    const staged = this.#blobs.get(digest)
    if (staged === undefined) {
      throw new StatePackError('E_MISSING_BLOB', 'A part of the cartridge is not in the file.', { digest, mediaType })
    }
    if (staged.size !== size) {
      throw new StatePackError('E_CORRUPT', 'A part of the cartridge has another size than its manifest says.', {
        digest,
      })
    }
  }

  /** A small staged blob. Throws `E_MISSING_BLOB` when it is not there. */
  async read(digest: Digest): Promise<Uint8Array> {
    if (!this.has(digest))
      throw new StatePackError('E_MISSING_BLOB', 'A part of the cartridge is not in the file.', { digest })
    return await this.reader.read(digest, { maxBytes: MANIFEST_CAP })
  }

  async keepOnly(needed: ReadonlySet<Digest>): Promise<void> {
    const rest = [...this.#blobs].filter(([digest]) => !needed.has(digest))
    for (const [digest] of rest) this.#blobs.delete(digest)
    await this.#store.writer.discard(rest.map(([, staged]) => staged))
  }

  async commit(): Promise<void> {
    await this.#store.writer.commit([...this.#blobs.values()])
    this.#blobs.clear()
  }

  async discard(): Promise<void> {
    await this.#store.writer.discard([...this.#blobs.values()])
    this.#blobs.clear()
  }

  #path(digest: Digest): string {
    return this.#blobs.get(digest)?.temp ?? this.#store.layout.blob(digest)
  }
}
