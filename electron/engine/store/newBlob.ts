import { sha256 } from '#engine/sha256.ts'
import type { Descriptor } from '#shared/domain/oci.ts'

/** Bytes to be stored, with the descriptor that names them. Made by {@link newBlob} only, so its digest is theirs. */
export interface NewBlob extends Descriptor {
  readonly bytes: Uint8Array
}

/** Hashes bytes, once: whoever is handed the blob (manifest, store, memory) takes the digest from it. The bytes must not change. */
export function newBlob(mediaType: string, bytes: Uint8Array): NewBlob {
  return { mediaType, digest: sha256(bytes), size: bytes.byteLength, bytes }
}
