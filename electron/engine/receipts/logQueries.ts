/** Reading receipts back: one, a page, all. */
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt, ReceiptOp } from '#shared/domain/receipt.ts'
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
  /** Only receipts before this one: the `next` of the page before. */
  readonly before?: number
}

export interface ReceiptPage {
  /** Newest first. */
  readonly receipts: Receipt[]
  /** `before` of the next page; null when this is the last. */
  readonly next: number | null
  /** Receipts in the log, whatever the filter. */
  readonly total: number
}

interface Reading {
  readonly fs: LogFs
  readonly paths: LogPaths
  readonly index: LogIndex
}

const SPAN = 256

/** One receipt by its number. Throws `E_NOT_FOUND`, `E_RECEIPT_LOG` when its line can no longer be read. */
export async function readRecord(reading: Reading, seq: number): Promise<LogRecord> {
  const [record] = await readRange(reading, seq, seq + 1)
  if (record === undefined) throw new StatePackError('E_NOT_FOUND', `There is no receipt ${seq}.`, { seq })
  return record
}

/** A page of receipts that pass the filter, newest first. */
export async function listReceipts(reading: Reading, filter: ReceiptFilter): Promise<ReceiptPage> {
  const total = reading.index.count
  const limit = Math.min(Math.max(1, filter.limit ?? 50), 1000)
  const receipts: Receipt[] = []
  let to = Math.min(filter.before ?? total, total)
  while (to > 0) {
    const from = Math.max(0, to - SPAN)
    for (const { receipt } of (await readRange(reading, from, to)).reverse()) {
      if (!passes(receipt, filter)) continue
      receipts.push(receipt)
      if (receipts.length === limit) return { receipts, next: receipt.seq > 0 ? receipt.seq : null, total }
    }
    to = from
  }
  return { receipts, next: null, total }
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

/** Receipts `from` (inclusive) to `to` (exclusive), in order. */
async function readRange({ fs, paths, index }: Reading, from: number, to: number): Promise<LogRecord[]> {
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
  const records: LogRecord[] = []
  for (let seq = from; seq < to; seq++) {
    const span = index.span(seq)
    if (span === null) break
    try {
      records.push(parseLine(bytes.subarray(span.start - first.start, span.end - first.start - 1)))
    } catch (cause) {
      throw new StatePackError(
        'E_RECEIPT_LOG',
        `Receipt ${seq} was changed after it was written.`,
        { index: seq },
        cause,
      )
    }
  }
  return records
}

function passes(receipt: Receipt, { ops, ok, about, model, from, to }: ReceiptFilter): boolean {
  return (
    (ops === undefined || ops.includes(receipt.op)) &&
    (ok === undefined || receipt.ok === ok) &&
    (model === undefined || receipt.model?.name === model) &&
    (from === undefined || receipt.observed.at >= from) &&
    (to === undefined || receipt.observed.at < to) &&
    (about === undefined ||
      receipt.packet_id === about ||
      receipt.context_id === about ||
      receipt.inputs.some(a => a.digest === about) ||
      receipt.outputs.some(a => a.digest === about))
  )
}
