import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import type { PacketContext } from './context.ts'

const PUBLISHERS = 'app.publishers'

/** Key ids of the publishers that somebody here has trusted. */
export function knownPublishers({ store }: Pick<PacketContext, 'store'>): string[] {
  return z.array(z.string()).safeParse(store.library.settings.get(PUBLISHERS)).data ?? []
}

/** Trust on first use: this one signer, whom a person was shown, is trusted from now on. */
export function trustPublisher(context: Pick<PacketContext, 'store'>, keyid: string): void {
  const known = knownPublishers(context)
  if (!known.includes(keyid)) context.store.library.settings.set(PUBLISHERS, [...known, keyid])
}

/** Throws `E_NOT_FOUND` for a publisher who is not trusted here. */
export function forgetPublisher(context: Pick<PacketContext, 'store'>, keyid: string): void {
  const known = knownPublishers(context)
  if (!known.includes(keyid)) throw new StatePackError('E_NOT_FOUND', 'Nobody here trusts this publisher.', { keyid })
  context.store.library.settings.set(
    PUBLISHERS,
    known.filter(other => other !== keyid),
  )
}
