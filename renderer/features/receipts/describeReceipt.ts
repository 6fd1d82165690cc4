import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { formatBytes, formatCount, formatCounted, formatPercent } from '../../ui/format.ts'
import { operationTitle } from '../../ui/operationWords.ts'

/** What a receipt attests, in a few words. */
export function titleOf({
  op,
  packet_id,
  base_sha256,
  tokens,
}: Pick<ReceiptView, 'op' | 'packet_id' | 'base_sha256' | 'tokens'>): string {
  if (op === 'infer' && packet_id === null)
    return (tokens?.saved ?? 0) > 0 ? 'Answered from an earlier prompt' : 'Answered without a cartridge'
  // One operation for both: only a composition is of a text, whether or not any of it had to be read.
  if (op === 'remix') return operationTitle(base_sha256 === null ? 'mix' : 'compose')
  return operationTitle(op)
}

/** The figures of a receipt in one line: tokens first, bytes where there are no tokens. */
export function figuresOf({ tokens, bytes }: Pick<ReceiptView, 'tokens' | 'bytes'>): string {
  if (tokens !== null) {
    const read = `${formatCounted(tokens.processed, 'token')} read`
    return tokens.saved > 0
      ? `${read}, ${formatCount(tokens.saved)} not re-read (${formatPercent(tokens.savings_percent)})`
      : read
  }
  return bytes === null ? '' : formatBytes(bytes)
}
