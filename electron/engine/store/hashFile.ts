import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { unwritten } from '../unwritten.ts'

/** What a file's size has to be (of a known one exactly that, else at most so much), and what is wanted of it. */
export interface HashBounds {
  readonly size?: number | undefined
  readonly most?: number | undefined
  /** No bytes: a file of any size is hashed in the same memory. */
  readonly onlyHash?: boolean | undefined
}

/** A file to be read and hashed, or bytes that are at hand. */
export type HashRequest =
  | { readonly path: string; readonly bounds: HashBounds }
  | { readonly bytes: Uint8Array<ArrayBuffer> }

/** A file from its beginning to its end; without content where its size is not within the bounds, and no bytes where only its hash is wanted. */
export interface HashedFile {
  readonly size: number
  readonly content: { readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: string } | null
}

// NOFOLLOW: a link planted in the store must not lead outside it. NONBLOCK: opening a pipe that somebody put there must not
// wait for a writer. Both are absent on Windows.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** What was asked for, now and in this thread. */
export function hashed(request: HashRequest): HashedFile {
  if ('path' in request) return hashFile(request.path, request.bounds)
  const { bytes } = request
  return { size: bytes.byteLength, content: { bytes, sha256: createHash('sha256').update(bytes).digest('hex') } }
}

/** Hashed as long as it is in the processor's cache. */
const PIECE = 256 * 1024

/** Reads a file and hashes what was read, in hexadecimal digits; links are not followed. Throws Node's system errors. */
export function hashFile(path: string, { size: expected, most, onlyHash = false }: HashBounds): HashedFile {
  const file = openSync(path, FLAGS)
  try {
    const { size } = fstatSync(file)
    if ((expected !== undefined && size !== expected) || (most !== undefined && size > most)) {
      return { size, content: null }
    }
    // Nothing beyond what was read is given out.
    const room = new Uint8Array(unwritten(onlyHash ? Math.min(PIECE, size) : size))
    const hash = createHash('sha256')
    let end = 0
    while (end < size) {
      const piece = room.subarray(onlyHash ? 0 : end).subarray(0, Math.min(PIECE, size - end))
      const count = readSync(file, piece, 0, piece.byteLength, end)
      if (count === 0) break
      hash.update(piece.subarray(0, count))
      end += count
    }
    return { size, content: { bytes: room.subarray(0, onlyHash ? 0 : end), sha256: hash.digest('hex') } }
  } finally {
    closeSync(file)
  }
}
