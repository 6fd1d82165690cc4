import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { type Publisher, refusedSigner } from '#shared/domain/trust.ts'
import type { PacketContext } from './context.ts'
import type { SoundReferrer } from './referrers.ts'

const KEY = 'app.blockedPublishers'
const blockedSchema = z.array(z.object({ keyid: z.string(), name: z.string() }))

/** Publishers whose cartridges no catalogue shows here, and no way in takes. */
export function blockedPublishers({ store }: Pick<PacketContext, 'store'>): Publisher[] {
  return blockedSchema.safeParse(store.library.settings.get(KEY)).data ?? []
}

/** Blocks one, by its key, or takes that back. */
export function setBlocked(
  { store }: Pick<PacketContext, 'store'>,
  { blocked, ...publisher }: Publisher & { blocked: boolean },
): void {
  const others = blockedPublishers({ store }).filter(({ keyid }) => keyid !== publisher.keyid)
  store.library.settings.set(KEY, blocked ? [...others, publisher] : others)
}

/** The blocked publisher who has signed something, with this key or one that it follows; null for none. */
export function blockedSigner(
  context: Pick<PacketContext, 'store'>,
  signatures: readonly SoundReferrer['signature'][],
): Publisher | null {
  const signers = signatures.flatMap(signature => signature?.succession ?? [])
  return refusedSigner(signers, blockedPublishers(context))
}

/** Asks the trust policy ({@link refusedSigner}) for a cartridge that is to come in or to be trusted. Throws `E_BLOCKED`. */
export function assertNotBlocked(
  context: Pick<PacketContext, 'store'>,
  signatures: readonly SoundReferrer['signature'][],
): void {
  const blocked = blockedSigner(context, signatures)
  if (blocked === null) return
  const { keyid, name } = blocked
  throw new StatePackError(
    'E_BLOCKED',
    `${name} (${keyid.slice(0, 16)}…) has signed this cartridge, and is blocked here. Unblock them first, in Community under Catalogues or with "statepack keys unblock ${keyid}".`,
    { keyid, name },
  )
}
