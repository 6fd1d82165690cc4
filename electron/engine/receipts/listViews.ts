import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import type { ReceiptFilter } from './logQueries.ts'
import type { ReceiptLog } from './receiptLog.ts'
import { receiptView } from './receiptView.ts'

/**
 * A page of receipts as windows show them. A receipt whose line was changed so that it cannot be read keeps its place in the
 * list, with its number and id and `ok: false`: a break is shown where it is, and hides nothing else. With a filter that must
 * read every line (`about`) it still throws `E_RECEIPT_LOG`.
 */
export async function listViews(
  log: Pick<ReceiptLog, 'list' | 'entryAt' | 'count'>,
  filter: ReceiptFilter & { readonly offset: number; readonly limit: number },
): Promise<Omit<Output<'receipts.list'>, 'names'>> {
  try {
    const { receipts, total, ops } = await log.list(filter)
    return { receipts: receipts.map(receiptView), total, ops: { ...ops } }
  } catch (error) {
    if (damagedAt(error) === null || filter.about !== undefined) throw error
  }
  // Past the end nothing is read: the totals alone.
  const { total, ops } = await log.list({ ...filter, offset: Number.MAX_SAFE_INTEGER, limit: 1 })
  const receipts: ReceiptView[] = []
  for (let offset = filter.offset; offset < Math.min(total, filter.offset + filter.limit); offset++) {
    receipts.push(...(await one(log, { ...filter, offset, limit: 1 })))
  }
  return { receipts, total, ops: { ...ops } }
}

async function one(log: Pick<ReceiptLog, 'list' | 'entryAt' | 'count'>, filter: ReceiptFilter): Promise<ReceiptView[]> {
  try {
    return (await log.list(filter)).receipts.map(receiptView)
  } catch (error) {
    const seq = damagedAt(error)
    const entry = seq === null ? null : log.entryAt(seq)
    if (seq === null || entry === null) throw error
    return [
      {
        receipt_id: entry.id,
        operation_id: '',
        op: entry.op,
        ok: false,
        seq,
        prev: null,
        packet_id: null,
        base_sha256: null,
        blob_sha256: null,
        delta_sha256: null,
        bytes: null,
        tokens: null,
        at: '',
        seconds: 0,
      },
    ]
  }
}

/** The number of the receipt that could not be read, when that is what went wrong. */
function damagedAt(error: unknown): number | null {
  if (!(error instanceof StatePackError) || error.code !== 'E_RECEIPT_LOG') return null
  const { index } = error.details
  return typeof index === 'number' ? index : null
}
