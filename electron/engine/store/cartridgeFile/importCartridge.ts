/** Taking in a `.cartridge` file: verified while it streams, judged as a whole, and only then made visible. */
import { createReadStream } from 'node:fs'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, OCI_MANIFEST } from '#shared/domain/oci.ts'
import type { BlobReader } from '../blobReader.ts'
import { type DescribedPacket, describeStored } from '../describePackets.ts'
import { storeError, systemCode } from '../fsError.ts'
import { type NewBlob, newBlob } from '../newBlob.ts'
import { type PublishOptions, type PublishResult, publishManifest, type Together } from '../publish.ts'
import type { StoreParts } from '../storeParts.ts'
import { ByteReader } from './byteReader.ts'
import type { Root } from './exportCartridge.ts'
import { readCanonical } from './readCanonical.ts'
import { readLenient } from './readLenient.ts'
import { Staging } from './staging.ts'

const DEFAULT_MAX_BYTES = 64 * 1024 ** 3

export interface ImportOptions extends PublishOptions {
  /** Accept an OCI layout in any tar form, from another tool. Default: the canonical form only, where every byte is bound. */
  readonly lenient?: boolean
  readonly maxBytes?: number
  /**
   * Called when every byte has been checked and nothing is visible yet; what it throws refuses the file, and nothing is
   * left behind. Here the owner of the format checks config against layers, and the user says yes. It may say which
   * referrers are taken in (default all), and what is decided along with the packet.
   */
  readonly review?: (found: ImportCandidate) => Promise<Admitted | undefined>
}

export interface Admitted extends Pick<Together, 'decide'> {
  readonly referrers: readonly Digest[]
}

export interface ImportCandidate {
  readonly packet: DescribedPacket
  readonly referrers: readonly Root[]
  /** Verified reads of the blobs of this file. */
  readonly blobs: BlobReader
}

/**
 * Imports a stream. Trust is `restricted` unless said otherwise. Throws `E_BAD_FORMAT`, `E_CORRUPT`, `E_MISSING_BLOB`,
 * `E_TOO_LARGE`, `E_AMBIGUOUS`, or what `review` throws; then the store is as it was and its tmp folder is empty.
 */
export async function importCartridge(
  store: StoreParts,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<PublishResult> {
  const reader = new ByteReader(source)
  const staging = new Staging(store, options.maxBytes ?? DEFAULT_MAX_BYTES)
  try {
    const contents =
      options.lenient === true ? await readLenient(reader, staging) : await readCanonical(reader, staging)
    const packet = await describeStored(staging.reader, store.describe, contents.packet.digest)
    const admitted = await options.review?.({ packet, referrers: contents.referrers, blobs: staging.reader })
    const roots = contents.referrers.filter(({ digest }) => admitted?.referrers.includes(digest) ?? true)
    const manifest = newBlob(OCI_MANIFEST, await staging.read(contents.packet.digest))
    const referrers: NewBlob[] = []
    for (const { digest } of roots) referrers.push(newBlob(OCI_MANIFEST, await staging.read(digest)))
    await staging.keepOnly(
      new Set(
        [contents.packet, ...roots].flatMap(({ digest, manifest }) => [
          digest,
          ...blobsOf(manifest).map(blob => blob.digest),
        ]),
      ),
    )
    await staging.commit()
    const { decide } = admitted ?? {}
    return await publishManifest(store, {
      ...options,
      trust: options.trust ?? 'restricted',
      manifest,
      referrers,
      decide,
    })
  } finally {
    await staging.discard()
    await reader.cancel()
  }
}

/** {@link importCartridge} from a file on disk. */
export async function importCartridgeFile(
  store: StoreParts,
  file: ImportOptions & { path: string },
): Promise<PublishResult> {
  try {
    return await importCartridge(store, createReadStream(file.path, { highWaterMark: 1024 * 1024 }), file)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new StatePackError('E_NOT_FOUND', `There is no file ${file.path}.`, { path: file.path }, error)
    }
    throw storeError(error, `read ${file.path}`, 'read')
  }
}
