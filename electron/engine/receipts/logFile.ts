/** log.jsonl and what lies beside it: paths, lines, and the reading of one line. */
import * as nodeFs from 'node:fs/promises'
import { join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import { type Envelope, IN_TOTO_TYPE } from './dsse.ts'
import { parseReceiptStatement, receiptOf } from './statement.ts'

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
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position)
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

const LINE =
  /^\{"payload":"([A-Za-z0-9+/]+={0,2})","payloadType":"application\/vnd\.in-toto\+json","signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/]{86}==)"\}\]\}$/

/**
 * Reads one line of the log. Accepts only the very bytes the log writes: the envelope of one in-toto statement with one
 * signature, in canonical JSON, which for these fields is this pattern. Throws `E_BAD_FORMAT`; checks no signature.
 */
export function parseLine(bytes: Uint8Array): LogRecord {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const [, payload = '', keyid = '', sig = ''] = LINE.exec(text) ?? []
  const envelope = {
    payloadType: IN_TOTO_TYPE,
    payload: Buffer.from(payload, 'base64'),
    signatures: [{ keyid, sig: Buffer.from(sig, 'base64') }],
  }
  const [signature] = envelope.signatures
  // Base64 has spare bits at its end: another spelling of the same bytes is another line.
  if (payload === '' || envelope.payload.toString('base64') !== payload || signature?.sig.toString('base64') !== sig) {
    throw new StatePackError('E_BAD_FORMAT', 'This line is not the envelope of a receipt as the log writes it.')
  }
  return { envelope, receipt: receiptOf(parseReceiptStatement(envelope.payload), keyid) }
}
