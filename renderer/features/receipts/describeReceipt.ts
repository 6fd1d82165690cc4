import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { formatBytes, formatCount, formatCounted, formatPercent } from '../../ui/format.ts'

/** In one word, for a row of them, and what was done. */
const VERBS: Readonly<Record<string, readonly [kind: string, title: string]>> = {
  create: ['Created', 'Created a cartridge'],
  verify: ['Checked', 'Checked a cartridge'],
  delta: ['Prepared', 'Prepared a delta'],
  infer: ['Answered', 'Answered from a state'],
  merge: ['Merged', 'Merged a text in'],
  compact: ['Folded', 'Folded a chain into one state'],
  remix: ['Mixed', 'Mixed states'],
  import: ['Imported', 'Imported a cartridge'],
  export: ['Exported', 'Exported a cartridge'],
  publish: ['Published', 'Published a cartridge'],
  benchmark: ['Benchmarks', 'Ran a benchmark'],
}

/** What an operation is called among others. */
export function kindOf(op: string): string {
  return VERBS[op]?.[0] ?? op
}

/** What a receipt attests, in a few words. */
export function titleOf({ op, packet_id }: Pick<ReceiptView, 'op' | 'packet_id'>): string {
  if (op === 'infer' && packet_id === null) return 'Answered without a cartridge'
  return VERBS[op]?.[1] ?? op
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
