import { StatePackError } from '#shared/domain/error.ts'
import { mixStates } from '../inference/mixStates.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { PacketContext } from './context.ts'
import { type Packet, readPacket, readSnapshot } from './packet.ts'

/** Mixes a mix's parents again, from the store. Throws `E_NOT_FOUND` when a parent is no longer here. */
export async function rebuildMix(context: PacketContext, packet: Packet): Promise<StateSnapshot> {
  const { origin } = packet.config
  if (origin.kind !== 'mix') throw new StatePackError('E_BAD_INPUT', 'This cartridge is not a mix.')
  const parents = await Promise.all(
    origin.parents.map(async ({ contextId, weight }) => {
      const row = context.store.library.packets.ofContext(contextId, packet.config.cache.dtype)
      if (row === null) {
        throw new StatePackError(
          'E_NOT_FOUND',
          'A parent of this mix is not in the library, so it cannot be mixed again.',
          { contextId },
        )
      }
      const parent = await readPacket(context.blobs, row.packetId)
      return { state: await readSnapshot(context.blobs, parent), weight }
    }),
  )
  return mixStates(parents)
}
