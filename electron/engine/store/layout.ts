import { join, sep } from 'node:path'
import { type Digest, hexOf, parseDigest } from '#shared/domain/digest.ts'

/**
 * Where everything in a store lies. The one function that owns paths: blobs are reached through a parsed digest only, so
 * no foreign text can become part of a path. Example:
 * `~/store/blobs/sha256/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`.
 */
export interface StoreLayout {
  readonly folder: string
  readonly blobs: string
  readonly tmp: string
  readonly incoming: string
  readonly uploads: string
  readonly unstored: string
  readonly layoutFile: string
  readonly indexFile: string
  readonly library: string
  readonly index: string
  readonly lock: string
  readonly jobsLock: string
  readonly reserve: string
  blob(digest: Digest): string
}

export function storeLayout(folder: string): StoreLayout {
  const blobs = join(folder, 'blobs', 'sha256')
  return {
    folder,
    blobs,
    tmp: join(folder, 'tmp'),
    incoming: join(folder, 'incoming'),
    uploads: join(folder, 'uploads'),
    unstored: join(folder, 'unstored'),
    layoutFile: join(folder, 'oci-layout'),
    indexFile: join(folder, 'index.json'),
    library: join(folder, 'library.sqlite'),
    index: join(folder, 'index.sqlite'),
    lock: join(folder, 'lock.sqlite'),
    jobsLock: join(folder, 'jobs-lock.sqlite'),
    reserve: join(folder, 'reserve'),
    // Parsed again: a digest that was cast into being, not parsed, stops here.
    // Asked for some fifty times a request: joined by hand.
    blob: digest => `${blobs}${sep}${hexOf(parseDigest(digest))}`,
  }
}

/** The bytes of `oci-layout`, in a store and in a cartridge file. */
export const OCI_LAYOUT_BYTES: Uint8Array = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}')
