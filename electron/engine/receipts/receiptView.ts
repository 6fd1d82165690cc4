import type { Receipt } from '#shared/domain/receipt.ts'
import type { ReceiptView } from '#shared/rpc/methods/views.ts'

/** A receipt as windows, the CLI and HTTP show it: State Pack's fields first. */
export function receiptView(receipt: Receipt): ReceiptView {
  const { receipt_id, operation_id, op, ok, seq, prev, packet_id } = receipt
  const { base_sha256, blob_sha256, delta_sha256, bytes, tokens, observed } = receipt
  return {
    ...{
      receipt_id,
      operation_id,
      op,
      ok,
      seq,
      prev,
      packet_id,
      base_sha256,
      blob_sha256,
      delta_sha256,
      bytes,
      tokens,
    },
    at: observed.at,
    seconds: observed.seconds ?? 0,
  }
}
