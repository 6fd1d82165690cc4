import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Act, allows } from '#shared/domain/trust.ts'
import type { PacketContext } from './context.ts'

/**
 * Asks the trust policy ({@link allows}) for a packet of the library. Throws `E_RESTRICTED`. What stands in no library (a
 * state that nobody stored, made here) is one's own.
 */
export function assertAllowed({ store }: Pick<PacketContext, 'store'>, packetId: Digest, act: Act): void {
  const row = store.library.packets.get(packetId)
  if (row === null || allows(row.trust, act)) return
  throw new StatePackError(
    'E_RESTRICTED',
    'This cartridge was imported and is not trusted yet. Trust it, or check it by recomputing.',
    { packetId, act },
  )
}
