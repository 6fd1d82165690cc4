import { z } from 'zod'
import type { PacketContext } from '../packets/context.ts'

const KEY = 'app.blockedPublishers'
const blockedSchema = z.array(z.object({ keyid: z.string(), name: z.string() }))
export type BlockedPublisher = z.infer<typeof blockedSchema>[number]

/** Publishers whose cartridges no catalogue shows here. */
export function blockedPublishers({ store }: Pick<PacketContext, 'store'>): BlockedPublisher[] {
  return blockedSchema.safeParse(store.library.settings.get(KEY)).data ?? []
}

/** Blocks one, by its key, or takes that back. */
export function setBlocked(
  { store }: Pick<PacketContext, 'store'>,
  { blocked, ...publisher }: BlockedPublisher & { blocked: boolean },
): void {
  const others = blockedPublishers({ store }).filter(({ keyid }) => keyid !== publisher.keyid)
  store.library.settings.set(KEY, blocked ? [...others, publisher] : others)
}
