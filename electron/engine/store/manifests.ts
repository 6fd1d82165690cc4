/** OCI manifests: building them in canonical form, and reading stored ones. */
import { canonicalBytes } from '#engine/canonicalJson.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { CARTRIDGE_ARTIFACT, type Descriptor, type Manifest, manifestSchema, OCI_MANIFEST } from '#shared/domain/oci.ts'
import type { BlobReader } from './blobReader.ts'
import type { StagedBlob } from './blobWriter.ts'
import { type NewBlob, newBlob } from './newBlob.ts'
import { parseStrictJson } from './strictJson.ts'

/** A manifest is read whole into memory; this is about 30,000 layers. */
export const MANIFEST_CAP = 8 * 1024 * 1024
/** A cartridge's config likewise; its longest part is a span for each control token of a text. */
export const CONFIG_CAP = 16 * 1024 * 1024

/** A layer of a packet to be: new bytes, in memory or on the disk already, or the descriptor of a blob that the store has. */
export type LayerInput = NewBlob | StagedBlob | Descriptor

/** Whether a layer was made just now. */
export function isNew(layer: LayerInput): layer is NewBlob | StagedBlob {
  return 'bytes' in layer || 'temp' in layer
}

export interface BuiltManifest {
  readonly manifest: Manifest
  /** RFC 8785 bytes; their digest is the packet_id. */
  readonly blob: NewBlob
  /** The blobs that are new, config first. */
  readonly newBlobs: readonly (NewBlob | StagedBlob)[]
}

/** Builds a cartridge's manifest: equal inputs give equal bytes, so an equal packet_id. Writes nothing. */
export function buildManifest(config: NewBlob, layers: readonly LayerInput[]): BuiltManifest {
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: CARTRIDGE_ARTIFACT,
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
  }
  const newBlobs = [config, ...layers.filter(isNew)]
  return { manifest, blob: newBlob(OCI_MANIFEST, canonicalBytes(manifest)), newBlobs }
}

function descriptorOf({ mediaType, digest, size, annotations }: LayerInput): Descriptor {
  return { mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) }
}

/** Reads manifest bytes. Throws `E_BAD_FORMAT` when they are not an OCI image manifest, `E_TOO_LARGE` over 8 MiB. */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.byteLength > MANIFEST_CAP) throw new StatePackError('E_TOO_LARGE', 'A manifest is over 8 MiB.')
  let json: unknown
  try {
    json = parseStrictJson(bytes)
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'A manifest is not valid JSON.', {}, cause)
  }
  const result = manifestSchema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]
    const where = issue?.path.join('.') ?? ''
    throw new StatePackError('E_BAD_FORMAT', `Not an OCI image manifest: ${issue?.message ?? ''} at "${where}".`, {
      where,
    })
  }
  return result.data
}

/** Reads and verifies a stored manifest. Throws as {@link BlobReader.read} and {@link parseManifest} do. */
export async function readManifest(blobs: Pick<BlobReader, 'read'>, digest: Digest): Promise<Manifest> {
  return parseManifest(await blobs.read(digest, { maxBytes: MANIFEST_CAP }))
}
