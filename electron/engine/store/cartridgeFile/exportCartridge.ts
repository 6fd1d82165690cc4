/**
 * Writing a packet as one canonical `.cartridge` file: an uncompressed tar of the OCI layout that holds just this packet
 * and what refers to it. The bytes depend on the packet and its referrers alone, so equal packets give equal files.
 */
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { toStatePackError } from '#shared/domain/error.ts'
import { blobsOf, type Descriptor, type Manifest, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { indexBytes } from '../indexFile.ts'
import { OCI_LAYOUT_BYTES } from '../layout.ts'
import { MANIFEST_CAP, parseManifest } from '../manifests.ts'
import { replaceFile } from '../replaceFile.ts'
import type { StoreParts } from '../storeParts.ts'
import { canonicalHeader, TAR_BLOCK } from './tarHeader.ts'

export interface ExportOptions {
  /** Which signatures, receipts and traces to carry along; default all. */
  readonly referrers?: readonly Digest[]
}

/** The path of a blob inside a cartridge file. */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`
}

/** index.json of a cartridge file: the packet, then its referrers in the order of their digests. */
export function cartridgeIndexBytes(packet: Root, referrers: readonly Root[]): Uint8Array {
  return indexBytes(
    [packet, ...referrers].map(({ digest, size, manifest }) => ({
      mediaType: OCI_MANIFEST,
      digest,
      size,
      ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    })),
  )
}

/** A manifest with the descriptor that names it. */
export interface Root {
  readonly digest: Digest
  readonly size: number
  readonly manifest: Manifest
}

/**
 * The file in chunks. Every blob is re-hashed on the way: `E_CORRUPT` or `E_MISSING_BLOB` may come after bytes have been
 * yielded, so a receiver keeps the file only when the iteration ends normally.
 */
export async function* exportCartridge(
  store: StoreParts,
  packetId: Digest,
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const packet = await readRoot(store, packetId)
  const rows = store.library.referrers.list({ subject: packetId })
  const referrers: Root[] = []
  for (const { digest } of rows) {
    if (options.referrers?.includes(digest) ?? true) referrers.push(await readRoot(store, digest))
  }

  yield* cartridgeFile({ packet, referrers, open: blob => store.blobs.stream(blob) })
}

/** What a cartridge file is made of: its manifests, and where the bytes of each blob come from. */
export interface CartridgeParts {
  readonly packet: Root
  /** In the order of their digests. */
  readonly referrers: readonly Root[]
  readonly open: (blob: Descriptor) => AsyncIterable<Uint8Array>
}

/** The canonical file of these parts, in chunks. */
export async function* cartridgeFile(parts: CartridgeParts): AsyncGenerator<Uint8Array, void, undefined> {
  const { packet, referrers, open } = parts
  yield* entry('oci-layout', OCI_LAYOUT_BYTES)
  yield* entry('index.json', cartridgeIndexBytes(packet, referrers))
  for (const blob of cartridgeBlobs(parts)) {
    yield canonicalHeader(blobName(blob.digest), blob.size)
    yield* open(blob)
    yield padding(blob.size)
  }
  yield new Uint8Array(2 * TAR_BLOCK)
}

/** Bytes of {@link cartridgeFile}. */
export function cartridgeFileSize(parts: Omit<CartridgeParts, 'open'>): number {
  const index = cartridgeIndexBytes(parts.packet, parts.referrers)
  const sizes = [OCI_LAYOUT_BYTES.byteLength, index.byteLength, ...cartridgeBlobs(parts).map(({ size }) => size)]
  return sizes.reduce((sum, size) => sum + TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK, 2 * TAR_BLOCK)
}

/** Every blob of a cartridge file, manifests among them, in the order of the file; each once. */
export function cartridgeBlobs({ packet, referrers }: Omit<CartridgeParts, 'open'>): Descriptor[] {
  const byDigest = new Map<Digest, Descriptor>()
  for (const root of [packet, ...referrers]) {
    for (const blob of [rootDescriptor(root), ...blobsOf(root.manifest)]) {
      if (!byDigest.has(blob.digest)) byDigest.set(blob.digest, blob)
    }
  }
  return [...byDigest.values()]
}

/** Writes the file at `path`, whole or not at all. Returns its size. Throws `E_DISK_FULL`, `E_NOT_FOUND`, `E_PERMISSION`, `E_IO`. */
export async function exportCartridgeFile(
  store: StoreParts,
  target: ExportOptions & { packetId: Digest; path: string },
): Promise<number> {
  let size = 0
  try {
    await replaceFile(target.path, async file => {
      for await (const chunk of exportCartridge(store, target.packetId, target)) {
        await file.write(chunk)
        size += chunk.byteLength
      }
    })
    return size
  } catch (error) {
    throw toStatePackError(error)
  }
}

/** A stored manifest. Throws `E_NOT_FOUND`, `E_CORRUPT`, `E_BAD_FORMAT`. */
export async function readRoot(store: Pick<StoreParts, 'blobs'>, digest: Digest): Promise<Root> {
  const bytes = await store.blobs.read(digest, { maxBytes: MANIFEST_CAP })
  return { digest, size: bytes.byteLength, manifest: parseManifest(bytes) }
}

function rootDescriptor({ digest, size }: Root): Descriptor {
  return { mediaType: OCI_MANIFEST, digest, size }
}

function* entry(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield canonicalHeader(name, bytes.byteLength)
  yield bytes
  yield padding(bytes.byteLength)
}

function padding(size: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK)
}
