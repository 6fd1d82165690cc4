/**
 * The one end of every operation: its receipt, then the meter's record, then the events, in that order. Nothing else in
 * the engine appends receipts or counts use, so no operation can leave one of the three out.
 */
import type { Digest } from '#shared/domain/digest.ts'
import type { Receipt, ReceiptDraft } from '#shared/domain/receipt.ts'
import type { EventName } from '#shared/rpc/events.ts'
import type { Log } from '../logging/openLog.ts'
import type { Meter, PrefillSample, RestoreSample } from '../meter/meter.ts'
import type { MeterEntry } from '../meter/meterRecord.ts'
import type { ReceiptLog } from '../receipts/receiptLog.ts'
import type { UsageRows } from '../store/library/usageRows.ts'

/** What an operation did, told when it is over. */
export interface Operation {
  readonly receipt: ReceiptDraft
  /** Tokens it read, and how long that took: the speed later estimates rest on. A `use` counts its own reading. */
  readonly reading?: PrefillSample
  /** Bytes of states it brought from disk, likewise. */
  readonly restoring?: RestoreSample
  /** One inference, as the sessions counted it and the clock measured it. */
  readonly use?: MeterEntry & { readonly cartridge: Digest | null }
  /** Packets whose row a window shows differently now. */
  readonly packets?: readonly Digest[]
}

/** A rate of fewer says more of what a call costs than of how fast is read. */
const TELLING_TOKENS = 64

export interface Recorder {
  /**
   * Resolves once the receipt is on disk for good. Throws what appending a receipt throws; then nothing was recorded. What
   * the meter cannot keep is lost to the totals and never fails the operation: its receipt says it all.
   */
  record(operation: Operation): Promise<Receipt>
  /** Tokens a second of the most recent reading of a block or more; null before the first. */
  lastTokensPerSecond(): number | null
}

export interface RecorderParts {
  readonly receipts: Pick<ReceiptLog, 'append' | 'sign'>
  /** Nothing can be written: receipts are signed and shown, and not kept. */
  readonly readOnly: boolean
  readonly meter: Pick<Meter, 'prefill' | 'restored' | 'record'>
  readonly usage: Pick<UsageRows, 'add'>
  readonly emit: (name: EventName, data: unknown) => void
  readonly log: Log
}

export function createRecorder({ receipts, readOnly, meter, usage, emit, log }: RecorderParts): Recorder {
  let last: number | null = null

  function measure({ reading, restoring, use }: Operation): void {
    const read = reading ?? (use && { tokens: use.tokensProcessed - use.tokensGenerated, seconds: use.secondsRead })
    if (read !== undefined && read.tokens >= TELLING_TOKENS && read.seconds > 0) last = read.tokens / read.seconds
    if (reading !== undefined) meter.prefill(reading)
    if (restoring !== undefined) meter.restored(restoring)
    if (use === undefined) return
    const { secondsAvoided } = meter.record(use)
    if (use.cartridge === null) return
    usage.add({
      packetId: use.cartridge,
      asks: 1,
      tokensSaved: Math.max(0, use.tokensNaive - use.tokensProcessed),
      secondsSaved: secondsAvoided ?? 0,
      usedAt: Date.now(),
    })
  }

  return {
    async record(operation) {
      const receipt = readOnly ? receipts.sign(operation.receipt) : await receipts.append(operation.receipt)
      try {
        measure(operation)
      } catch (thrown) {
        // The receipt says it all; a meter that is damaged or full costs a row in the totals, not the work that was done.
        log.failed('not metered', thrown)
      }
      const { op, receipt_id, observed } = receipt
      log.info('recorded', { op, receipt: receipt_id, seconds: observed.seconds ?? undefined })
      emit('receipts.appended', { receiptId: receipt.receipt_id, op: receipt.op })
      if (operation.use !== undefined) emit('savings.changed', {})
      const { packets = [] } = operation
      if (packets.length > 0) emit('library.changed', { packetIds: [...packets] })
      return receipt
    },
    lastTokensPerSecond: () => last,
  }
}
