/** log.jsonl and what lies beside it: paths, lines, and the reading of one line. */
import * as nodeFs from 'node:fs/promises'
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import { type Envelope, IN_TOTO_TYPE } from './dsse.ts'
import { parseReceipt } from './statement.ts'

/** The file operations the log uses; tests hand in one that fails. */
export type LogFs = Pick<typeof nodeFs, 'open' | 'mkdir' | 'readFile' | 'readdir' | 'rename' | 'stat'>
export const nodeLogFs: LogFs = nodeFs

export interface LogPaths {
  readonly folder: string
  readonly log: string
  readonly checkpoints: string
  /** Newest checkpoint, replaced at every flush, not synced. */
  readonly latest: string
  /** Offsets, leaf hashes and ids: derived, may be deleted. */
  readonly index: string
  readonly lock: string
}

export function logPaths(folder: string): LogPaths {
  const checkpoints = join(folder, 'checkpoints')
  return {
    folder,
    log: join(folder, 'log.jsonl'),
    checkpoints,
    latest: join(checkpoints, 'latest'),
    index: join(folder, 'index.bin'),
    lock: join(folder, 'lock'),
  }
}

export interface Line {
  /** The bytes without the newline. */
  readonly bytes: Buffer
  /** Offset after the newline. */
  readonly end: number
  /** False for a last line that has no newline. */
  readonly complete: boolean
}

/** Bytes read at once: few at first, since mostly little was appended. */
const FIRST_CHUNK = 16 << 10
const CHUNK = 1 << 20
/** A receipt is about 2 KiB; anything near this is not one. */
const MAX_LINE = 16 << 20

/** The lines of a file from byte `from`, as they are when read. An absent file has none. */
export async function* readLines(fs: LogFs, file: string, from = 0): AsyncGenerator<Line> {
  const handle = await fs.open(file, 'r').catch(absentAsNull)
  if (handle === null) return
  try {
    let pending: Buffer[] = []
    let pendingLength = 0
    let position = from
    for (let size = FIRST_CHUNK; ; size = Math.min(2 * size, CHUNK)) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, position)
      if (bytesRead === 0) break
      let start = 0
      for (;;) {
        const newline = buffer.subarray(0, bytesRead).indexOf(10, start)
        if (newline < 0) break
        const piece = buffer.subarray(start, newline)
        yield {
          bytes: pendingLength === 0 ? piece : Buffer.concat([...pending, piece]),
          end: position + newline + 1,
          complete: true,
        }
        pending = []
        pendingLength = 0
        start = newline + 1
      }
      if (start < bytesRead) pending.push(buffer.subarray(start, bytesRead))
      pendingLength += bytesRead - start
      position += bytesRead
      if (pendingLength > MAX_LINE) break
    }
    if (pendingLength > 0) yield { bytes: Buffer.concat(pending), end: position, complete: false }
  } finally {
    await handle.close()
  }
}

/** Resolves to null for a missing file, rethrows the rest. For `.catch`. */
export function absentAsNull(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
  throw error
}

export interface LogRecord {
  readonly envelope: Envelope
  readonly receipt: Receipt
}

/**
 * Reads one line of the log. Accepts only the very bytes the log writes: the envelope of one in-toto statement with one
 * signature, in canonical JSON. Throws `E_BAD_FORMAT`; checks no signature.
 */
export function parseLine(bytes: Uint8Array): LogRecord {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const payload = Buffer.from(text.slice(PAYLOAD_AT, -AFTER_PAYLOAD), 'base64')
  const keyid = text.slice(-KEYID_FROM_END, -KEYID_FROM_END + 64)
  const sig = Buffer.from(text.slice(-SIG_FROM_END, -SIG_FROM_END + 88), 'base64')
  // Written again and compared: another spelling of the same content is another line.
  if (!/^[0-9a-f]{64}$/.test(keyid) || lineText({ payload, keyid, sig }) !== text) {
    throw new StatePackError('E_BAD_FORMAT', 'This line is not the envelope of a receipt as the log writes it.')
  }
  const envelope = { payloadType: IN_TOTO_TYPE, payload, signatures: [{ keyid, sig }] }
  return { envelope, receipt: parseReceipt(payload, keyid) }
}

/** The canonical JSON of an envelope whose every field is free of characters that JSON escapes. */
function lineText({ payload, keyid, sig }: { payload: Buffer; keyid: string; sig: Buffer }): string {
  return `{"payload":"${payload.toString('base64')}","payloadType":"${IN_TOTO_TYPE}","signatures":[{"keyid":"${keyid}","sig":"${sig.toString('base64')}"}]}`
}

// Only the payload's length varies: 64 digits of key id, 88 of signature.
const PAYLOAD_AT = '{"payload":"'.length
const SIG_FROM_END = 88 + '"}]}'.length
const KEYID_FROM_END = 64 + '","sig":"'.length + SIG_FROM_END
const AFTER_PAYLOAD = `","payloadType":"${IN_TOTO_TYPE}","signatures":[{"keyid":"`.length + KEYID_FROM_END
