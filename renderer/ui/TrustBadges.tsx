import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { Badge, type Tone } from './Badge.tsx'
import { recallBadge } from './recall.ts'

const VERIFIED = {
  none: null,
  intact: ['muted', 'Intact'],
  signed: ['kv', 'Signed'],
  sampled: ['ok', 'Sampled'],
  recomputed: ['ok', 'Recomputed'],
} as const satisfies Record<CartridgeSummary['verified'], readonly [Tone, string] | null>

/** What is known about a cartridge: restricted or not, how far it was verified, what it recalls, model at hand, tier. */
export function TrustBadges({
  cartridge,
  tier = true,
}: {
  readonly cartridge: CartridgeSummary
  readonly tier?: boolean
}) {
  const verified = VERIFIED[cartridge.verified]
  const recall = recallBadge(cartridge)
  return (
    <>
      {cartridge.trust === 'restricted' ? <Badge tone="warn">Restricted</Badge> : null}
      {cartridge.trust === 'starter' && verified === null ? <Badge>Starter</Badge> : null}
      {verified === null ? null : <Badge tone={verified[0]}>{verified[1]}</Badge>}
      {recall === null ? null : <Badge tone={recall[0]}>{recall[1]}</Badge>}
      {cartridge.model.installed ? null : <Badge tone="warn">Model missing</Badge>}
      {tier ? <span className={`Tier Tier--${cartridge.tier}`}>{cartridge.tier}</span> : null}
    </>
  )
}
