import { sha256 } from '#engine/sha256.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import { hashAside } from './readHashed.ts'

/** Bytes to be stored, with the descriptor that names them. Made here only, so its digest is theirs. */
export interface NewBlob extends Descriptor {
  readonly bytes: Uint8Array
}

/** Hashes bytes, once: whoever is handed the blob (manifest, store, memory) takes the digest from it. The bytes must not change. */
export function newBlob(mediaType: string, bytes: Uint8Array): NewBlob {
  return { mediaType, digest: sha256(bytes), size: bytes.byteLength, bytes }
}

/** The same while this thread goes on; until it resolves the bytes are away, and then they are where the blob says. */
export async function newBlobAside(mediaType: string, bytes: Uint8Array<ArrayBuffer>): Promise<NewBlob> {
  const hashed = await hashAside(bytes)
  return {
    ...{ mediaType, size: hashed.bytes.byteLength, bytes: hashed.bytes },
    digest: parseDigest(`sha256:${hashed.sha256}`),
  }
}
