/** Fills the search index from stored bytes. */
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, CARTRIDGE_ARTIFACT, type Manifest } from '#shared/domain/oci.ts'
import type { BlobReader } from './blobReader.ts'
import { inParallel } from './inParallel.ts'
import { CONFIG_CAP, readManifest } from './manifests.ts'
import type { DescribePacket, PacketIndexEntry } from './packetIndexEntry.ts'

export interface DescribedPacket {
  readonly packetId: Digest
  readonly manifest: Manifest
  /** Bytes of all blobs, the manifest not counted. */
  readonly bytes: number
  readonly entry: PacketIndexEntry
}

/** Describes one packet from its stored bytes. Throws `E_BAD_FORMAT` for a manifest that is not a cartridge. */
export async function describeStored(
  blobs: Pick<BlobReader, 'read'>,
  describePacket: DescribePacket,
  packetId: Digest,
): Promise<DescribedPacket> {
  return describeManifest(blobs, describePacket, { packetId, manifest: await readManifest(blobs, packetId) })
}

/** The same of a manifest that was read. */
export async function describeManifest(
  blobs: Pick<BlobReader, 'read'>,
  describePacket: DescribePacket,
  { packetId, manifest }: Pick<DescribedPacket, 'packetId' | 'manifest'>,
): Promise<DescribedPacket> {
  if (manifest.artifactType !== CARTRIDGE_ARTIFACT) {
    throw new StatePackError('E_BAD_FORMAT', 'This is an OCI artifact, but not a cartridge.', { packetId })
  }
  const config = await blobs.read(manifest.config, { maxBytes: CONFIG_CAP })
  const entry = await describePacket({
    packetId,
    manifest,
    config,
    readLayers: mediaType =>
      inParallel(
        manifest.layers.filter(layer => layer.mediaType === mediaType),
        8,
        layer => blobs.read(layer),
      ),
  })
  const bytes = blobsOf(manifest).reduce((sum, { size }) => sum + size, 0)
  return { packetId, manifest, bytes, entry }
}

/** Describes many; the ones that cannot be (missing, damaged, foreign) are left out. */
export async function describeAll(
  blobs: BlobReader,
  describePacket: DescribePacket,
  packetIds: readonly Digest[],
): Promise<DescribedPacket[]> {
  const described = await inParallel(packetIds, 8, async packetId => {
    try {
      return await describeStored(blobs, describePacket, packetId)
    } catch {
      // Left out of the list, not out of the store: verifying it says what is wrong with it.
      return null
    }
  })
  return described.filter(packet => packet !== null)
}
