import type { Turn } from '#shared/rpc/methods/turn.ts'
import { formatCount, formatCounted, formatPercent } from '../../ui/format.ts'

/** Why this cartridge was asked, of those in the slots. */
export function Routed({ routed }: { readonly routed: NonNullable<Turn['routed']> }) {
  const { accountsFor, among, others, tokensProcessed } = routed
  const best = others.slice(0, 2).map(({ name, accountsFor: share }) => `${name} ${formatPercent(share * 100)}`)
  return (
    <p className="Answer-routed small muted">
      Asked of {formatCount(among)}, because it knows {formatPercent(accountsFor * 100)} of the question
      {best.length === 0 ? '' : ` (${best.join(', ')})`}. Choosing read {formatCounted(tokensProcessed, 'token')}.
    </p>
  )
}
