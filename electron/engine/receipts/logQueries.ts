/** Reading receipts back: one, a page, all. */
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Receipt, type ReceiptOp, receiptNumber } from '#shared/domain/receipt.ts'
import { type LogFs, type LogPaths, type LogRecord, parseLine, readLines } from './logFile.ts'
import type { LogIndex } from './logIndex.ts'

export interface ReceiptFilter {
  readonly ops?: readonly ReceiptOp[]
  readonly ok?: boolean
  /** Receipts that name this digest: as packet, context, input or output. */
  readonly about?: Digest
  /** Model name. */
  readonly model?: string
  /** ISO times, `from` inclusive, `to` exclusive. */
  readonly from?: string
  readonly to?: string
  /** Most receipts on a page; 50 when not given, 1,000 at most. */
  readonly limit?: number
  /** Matching receipts to skip. */
  readonly offset?: number
  /** Oldest first. */
  readonly ascending?: boolean
  /** Only receipts older than this `seq`. */
  readonly before?: number
}

export interface ReceiptPage {
  /** Newest first unless asked otherwise. */
  readonly receipts: Receipt[]
  /** Receipts that pass the filter, on every page together. */
  readonly total: number
  /** Receipts in the log by operation, whatever the filter. */
  readonly ops: Readonly<Partial<Record<ReceiptOp, number>>>
}

interface Reading {
  readonly fs: LogFs
  readonly paths: LogPaths
  readonly index: LogIndex
}

const SPAN = 256

/** One receipt by its number. Throws `E_NOT_FOUND`, `E_RECEIPT_LOG` when its line can no longer be read. */
export async function readRecord(reading: Reading, seq: number): Promise<LogRecord> {
  const [line] = await readSpan(reading, seq, seq + 1)
  if (line === undefined) throw new StatePackError('E_NOT_FOUND', `There is no receipt ${receiptNumber(seq)}.`, { seq })
  return parseAt(line, seq)
}

/** A page of receipts that pass the filter. Operations come from the index; other filters read the lines they must. */
export async function listReceipts(reading: Reading, filter: ReceiptFilter): Promise<ReceiptPage> {
  const { index } = reading
  const limit = Math.min(Math.max(1, filter.limit ?? 50), 1000)
  const offset = filter.offset ?? 0
  const counts: Partial<Record<ReceiptOp, number>> = {}
  const seqs: number[] = []
  for (const [seq, op] of index.ops.entries()) {
    counts[op] = (counts[op] ?? 0) + 1
    if (seq < (filter.before ?? index.count) && (filter.ops === undefined || filter.ops.includes(op))) seqs.push(seq)
  }
  if (filter.ascending !== true) seqs.reverse()
  if (!readsLines(filter)) {
    const receipts: Receipt[] = []
    for (const seq of seqs.slice(offset, offset + limit)) receipts.push((await readRecord(reading, seq)).receipt)
    return { receipts, total: seqs.length, ops: counts }
  }
  const receipts: Receipt[] = []
  let total = 0
  for (let at = 0; at < seqs.length; at += SPAN) {
    const span = seqs.slice(at, at + SPAN)
    const from = Math.min(...span)
    const lines = await readSpan(reading, from, Math.max(...span) + 1)
    for (const seq of span) {
      const line = lines[seq - from]
      if (line === undefined || !mayName(line, filter.about)) continue
      const { receipt } = parseAt(line, seq)
      if (!passes(receipt, filter)) continue
      if (total >= offset && receipts.length < limit) receipts.push(receipt)
      total++
    }
  }
  return { receipts, total, ops: counts }
}

/**
 * Of each of these digests the newest receipt that names it, in one pass over the log, newest first, until all are found. A
 * line that can no longer be read names nothing here; verifying the log says what happened to it.
 */
export async function newestNaming(reading: Reading, digests: ReadonlySet<Digest>): Promise<Map<Digest, Digest>> {
  const found = new Map<Digest, Digest>()
  for (let to = reading.index.count; to > 0 && found.size < digests.size; to -= SPAN) {
    const from = Math.max(0, to - SPAN)
    const lines = await readSpan(reading, from, to)
    for (let seq = to - 1; seq >= from; seq--) {
      const line = lines[seq - from]
      const receipt = line === undefined ? null : readable(line)
      if (receipt === null) continue
      for (const digest of namedBy(receipt)) {
        if (digests.has(digest) && !found.has(digest)) found.set(digest, receipt.receipt_id)
      }
    }
  }
  return found
}

/**
 * Records of these operations that name a digest, with their lines, newest first, read as far as somebody asks. Throws
 * `E_RECEIPT_LOG` at a line that was changed.
 */
export async function* recordsAbout(
  reading: Reading,
  { about, ops }: { about: Digest; ops: readonly ReceiptOp[] },
): AsyncGenerator<LogRecord & { readonly line: Buffer }> {
  for (let to = reading.index.count; to > 0; to -= SPAN) {
    const from = Math.max(0, to - SPAN)
    const lines = await readSpan(reading, from, to)
    for (let seq = to - 1; seq >= from; seq--) {
      const [line, op] = [lines[seq - from], reading.index.ops[seq]]
      if (line === undefined || op === undefined || !ops.includes(op) || !mayName(line, about)) continue
      const record = parseAt(line, seq)
      if (namedBy(record.receipt).includes(about)) yield { ...record, line }
    }
  }
}

function readable(line: Buffer): Receipt | null {
  try {
    return parseLine(line).receipt
  } catch {
    return null
  }
}

/** Every line, oldest first, as written or as readable receipts. */
export async function* exportLog(
  { fs, paths, index }: Reading,
  form: 'envelopes' | 'receipts',
): AsyncGenerator<Uint8Array> {
  const end = index.bytes
  for await (const line of readLines(fs, paths.log)) {
    if (line.end > end) return
    const bytes = form === 'envelopes' ? line.bytes : Buffer.from(JSON.stringify(parseLine(line.bytes).receipt))
    yield Buffer.concat([bytes, Buffer.from('\n')])
  }
}

/** Lines `from` (inclusive) to `to` (exclusive), in order, without their newlines. */
async function readSpan({ fs, paths, index }: Reading, from: number, to: number): Promise<Buffer[]> {
  const first = index.span(from)
  const last = index.span(to - 1)
  if (first === null || last === null) return []
  const bytes = Buffer.alloc(last.end - first.start)
  const handle = await fs.open(paths.log, 'r')
  try {
    await handle.read(bytes, 0, bytes.length, first.start)
  } finally {
    await handle.close()
  }
  const lines: Buffer[] = []
  for (let seq = from; seq < to; seq++) {
    const span = index.span(seq)
    if (span !== null) lines.push(bytes.subarray(span.start - first.start, span.end - first.start - 1))
  }
  return lines
}

function parseAt(line: Buffer, seq: number): LogRecord {
  try {
    return parseLine(line)
  } catch (cause) {
    throw new StatePackError(
      'E_RECEIPT_LOG',
      `Receipt ${receiptNumber(seq)} was changed after it was written.`,
      { index: seq },
      cause,
    )
  }
}

/** Cheap first look: whether the digest stands anywhere in the statement. */
function mayName(line: Buffer, about: Digest | undefined): boolean {
  if (about === undefined) return true
  const payload = /"payload":"([^"]*)"/.exec(line.toString('latin1'))?.[1] ?? ''
  return Buffer.from(payload, 'base64').includes(about)
}

function readsLines({ ok, about, model, from, to }: ReceiptFilter): boolean {
  return [ok, about, model, from, to].some(value => value !== undefined)
}

function passes(receipt: Receipt, { ok, about, model, from, to }: ReceiptFilter): boolean {
  return (
    (ok === undefined || receipt.ok === ok) &&
    (model === undefined || receipt.model?.name === model) &&
    (from === undefined || receipt.observed.at >= from) &&
    (to === undefined || receipt.observed.at < to) &&
    (about === undefined || namedBy(receipt).includes(about))
  )
}

/** The digests a receipt is about: its packet and context, inputs and outputs. */
function namedBy({ packet_id, context_id, inputs, outputs }: Receipt): Digest[] {
  const own = [packet_id, context_id].filter(digest => digest !== null)
  return [...own, ...[...inputs, ...outputs].map(({ digest }) => digest)]
}
