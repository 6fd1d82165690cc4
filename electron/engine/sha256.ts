import { createHash, hash } from 'node:crypto'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'

/** SHA-256 of the bytes; a string is hashed as UTF-8. */
export function sha256(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${hash('sha256', bytes, 'hex')}`)
}

/** A running SHA-256. `update` may be called any number of times, `digest` once. */
export interface Sha256Stream {
  /** Bytes hashed so far. */
  readonly size: number
  update(bytes: Uint8Array): void
  digest(): Digest
}

/** Starts a running SHA-256 for bytes that arrive in pieces. */
export function sha256Stream(): Sha256Stream {
  const running = createHash('sha256')
  let size = 0
  return {
    get size() {
      return size
    },
    update(bytes) {
      running.update(bytes)
      size += bytes.length
    },
    digest: () => parseDigest(`sha256:${running.digest('hex')}`),
  }
}
