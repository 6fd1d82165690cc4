import { StatePackError } from '#shared/domain/error.ts'
import { allows } from '#shared/domain/trust.ts'
import { mixStates } from '../inference/mixStates.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { PacketContext } from './context.ts'
import { type Packet, readDocuments, readPacket, readSnapshot } from './packet.ts'

/** Mixes a mix's parents again, from the store. Throws `E_NOT_FOUND` when a parent is no longer here. */
export async function rebuildMix(context: PacketContext, packet: Packet): Promise<StateSnapshot> {
  const { origin } = packet.config
  if (origin.kind !== 'mix') throw new StatePackError('E_BAD_INPUT', 'This cartridge is not a mix.')
  const { recipe } = await readDocuments(context.blobs, packet)
  const mixed = recipe.steps.flatMap(step => (step.do === 'mix' ? step.parents : []))
  const { packets } = context.store.library
  const parents = await Promise.all(
    origin.parents.map(async ({ contextId, weight }, place) => {
      // The very state that was mixed, in whatever dtype; or the same context, made here.
      const standing = packets.allOfContext(contextId).filter(({ trust }) => allows(trust, 'run'))
      const row =
        standing.find(({ packetId }) => packetId === mixed[place]?.packetId) ??
        packets.ofContext(contextId, packet.config.cache.dtype)
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
