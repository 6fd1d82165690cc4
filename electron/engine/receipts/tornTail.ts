/**
 * Telling an interrupted write from an edit. A flush writes its lines, syncs, and only then acknowledges; all of them carry
 * the flush's `group`. So after a crash whatever is damaged belongs to the last, unacknowledged group. It shows as a line cut
 * short or as a line with unwritten (zero) bytes; whole lines behind it belong to the same group. Everything else is an edit.
 */
import { verifyEnvelope } from './dsse.ts'
import type { PublicKey } from './keys.ts'
import { type Line, type LogRecord, parseLine } from './logFile.ts'

/** True when `lines`, standing where receipt `index` was expected, can only be what an interrupted flush left behind. */
export async function isTornTail(
  lines: readonly Line[],
  index: number,
  trusted: readonly PublicKey[],
): Promise<boolean> {
  for (const [i, line] of lines.entries()) {
    if (!line.complete || line.bytes.includes(0)) continue
    if (i === 0) return false
    const record = await readSigned(line, trusted)
    if (record === null || record.receipt.seq <= index || record.receipt.observed.group > index) return false
  }
  return true
}

async function readSigned(line: Line, trusted: readonly PublicKey[]): Promise<LogRecord | null> {
  try {
    const record = parseLine(line.bytes)
    await verifyEnvelope(record.envelope, trusted)
    return record
  } catch {
    return null
  }
}
