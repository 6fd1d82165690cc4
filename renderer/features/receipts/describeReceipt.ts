import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { formatBytes, formatCount, formatPercent } from '../../ui/format.ts'

const VERBS: Readonly<Record<string, string>> = {
  create: 'Created a cartridge',
  verify: 'Checked a cartridge',
  delta: 'Prepared a delta',
  infer: 'Answered from a state',
  merge: 'Merged a text in',
  compact: 'Folded a chain into one state',
  remix: 'Mixed states',
  import: 'Imported a cartridge',
  export: 'Exported a cartridge',
  publish: 'Published a cartridge',
  benchmark: 'Ran a benchmark',
}

/** What a receipt attests, in a few words. */
export function titleOf({ op, packet_id }: Pick<ReceiptView, 'op' | 'packet_id'>): string {
  if (op === 'infer' && packet_id === null) return 'Answered without a cartridge'
  return VERBS[op] ?? op
}

/** The figures of a receipt in one line: tokens first, bytes where there are no tokens. */
export function figuresOf({ tokens, bytes }: Pick<ReceiptView, 'tokens' | 'bytes'>): string {
  if (tokens !== null) {
    const read = `${formatCount(tokens.processed)} ${tokens.processed === 1 ? 'token' : 'tokens'} read`
    return tokens.saved > 0
      ? `${read}, ${formatCount(tokens.saved)} not re-read (${formatPercent(tokens.savings_percent)})`
      : read
  }
  return bytes === null ? '' : formatBytes(bytes)
}
