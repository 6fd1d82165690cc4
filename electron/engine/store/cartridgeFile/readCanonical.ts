/**
 * Reading a canonical `.cartridge`: every byte has one allowed value, given by the digests before it. What comes first
 * announces what comes next (index -> manifest -> blobs), so anything else is refused at the first wrong byte, and
 * never more is read than was announced.
 */
import { StatePackError } from '#shared/domain/error.ts'
import {
  blobsOf,
  CARTRIDGE_ARTIFACT,
  type Descriptor,
  indexSchema,
  OCI_MANIFEST,
  type OciIndex,
} from '#shared/domain/oci.ts'
import { OCI_LAYOUT_BYTES } from '../layout.ts'
import { MANIFEST_CAP, parseManifest } from '../manifests.ts'
import { parseStrictJson } from '../strictJson.ts'
import type { ByteReader } from './byteReader.ts'
import { blobName, cartridgeIndexBytes, type Root } from './exportCartridge.ts'
import type { Staging } from './staging.ts'
import { canonicalHeader, parseHeader, TAR_BLOCK } from './tarHeader.ts'

const INDEX_CAP = 1024 * 1024
/** Bytes of all manifests together, which are held in memory: the cartridge's, and as much again for thousands of referrers. */
const MANIFESTS_CAP = 2 * MANIFEST_CAP

export interface CartridgeContents {
  readonly packet: Root
  readonly referrers: readonly Root[]
}

/** Reads the whole file into the staging area. Throws `E_BAD_FORMAT`, `E_CORRUPT`, `E_TOO_LARGE`. */
export async function readCanonical(reader: ByteReader, staging: Staging): Promise<CartridgeContents> {
  const layout = await readSmall(reader, 'oci-layout', OCI_LAYOUT_BYTES.byteLength)
  if (!same(layout, OCI_LAYOUT_BYTES)) throw bad('oci-layout has other bytes than it must have')
  const indexFile = await readSmall(reader, 'index.json', INDEX_CAP)
  const [packetEntry, ...referrerEntries] = parseFileIndex(indexFile)
  if (packetEntry === undefined) throw bad('index.json names no cartridge')

  const packet = await readRoot(reader, staging, packetEntry)
  if (packet.manifest.artifactType !== CARTRIDGE_ARTIFACT) throw bad('its first manifest is not a cartridge')
  const referrers: Root[] = []
  let previous = ''
  for (const descriptor of referrerEntries) {
    if (descriptor.digest <= previous) throw bad('its referrers are not in the order of their digests')
    previous = descriptor.digest
    const referrer = await readRoot(reader, staging, descriptor)
    if (referrer.manifest.subject?.digest !== packet.digest) throw bad('it carries a referrer of something else')
    referrers.push(referrer)
  }
  if (!same(indexFile, cartridgeIndexBytes(packet, referrers)))
    throw bad('index.json has other bytes than it must have')
  if (!isZero(await reader.take(2 * TAR_BLOCK)) || !(await reader.atEnd()))
    throw bad('it does not end where it must end')
  return { packet, referrers }
}

async function readRoot(reader: ByteReader, staging: Staging, { digest, size }: Descriptor): Promise<Root> {
  if (staging.has(digest)) throw bad('it names a manifest twice')
  if (size > MANIFEST_CAP) throw new StatePackError('E_TOO_LARGE', 'A manifest is over 8 MiB.', { digest, size })
  await readBlob(reader, staging, { mediaType: OCI_MANIFEST, digest, size })
  const manifest = parseManifest(await staging.read(digest))
  for (const blob of blobsOf(manifest)) {
    if (!staging.has(blob.digest)) await readBlob(reader, staging, blob)
  }
  return { digest, size, manifest }
}

async function readBlob(reader: ByteReader, staging: Staging, blob: Descriptor): Promise<void> {
  await expectHeader(reader, blobName(blob.digest), blob.size)
  await staging.add(reader.stream(blob.size), blob)
  await expectPadding(reader, blob.size)
}

/** An entry whose size is not known beforehand, up to `cap`; its header must still be the canonical one. */
async function readSmall(reader: ByteReader, name: string, cap: number): Promise<Uint8Array> {
  const header = await reader.take(TAR_BLOCK)
  if (header[0] === 0x1f && header[1] === 0x8b) throw bad('it is compressed; a cartridge file is a plain tar')
  const { size } = parseHeader(header)
  if (!same(header, canonicalHeader(name, size))) throw bad(`the header of ${name} is not in canonical form`)
  if (size > cap) throw new StatePackError('E_TOO_LARGE', `${name} is larger than it may be.`, { size, cap })
  const bytes = await reader.take(size)
  await expectPadding(reader, size)
  return bytes
}

async function expectHeader(reader: ByteReader, name: string, size: number): Promise<void> {
  if (!same(await reader.take(TAR_BLOCK), canonicalHeader(name, size))) {
    throw bad(`where the header of ${name} must be there is something else`)
  }
}

async function expectPadding(reader: ByteReader, size: number): Promise<void> {
  if (!isZero(await reader.take((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK))) throw bad('its padding is not zero')
}

/** The manifests that index.json of a file names. Throws `E_BAD_FORMAT`, `E_TOO_LARGE` before any of them is read. */
export function parseFileIndex(bytes: Uint8Array): readonly Descriptor[] {
  const { manifests } = parseIndex(bytes)
  const size = manifests.reduce((sum, manifest) => sum + manifest.size, 0)
  if (size <= MANIFESTS_CAP) return manifests
  const message = 'The file carries far too much besides the cartridge.'
  throw new StatePackError('E_TOO_LARGE', message, { size, cap: MANIFESTS_CAP })
}

/** index.json of any cartridge file or OCI layout. */
export function parseIndex(bytes: Uint8Array): OciIndex {
  try {
    return indexSchema.parse(parseStrictJson(bytes))
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'Not a cartridge file: index.json is not an OCI index.', {}, cause)
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0)
}

function bad(what: string): StatePackError {
  return new StatePackError(
    'E_BAD_FORMAT',
    `Not a canonical cartridge file: ${what}. Another tool may have packed it: then it can be read leniently.`,
    { lenient: true },
  )
}
