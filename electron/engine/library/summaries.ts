import type { StateDtype, StateKind } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import type { PacketContext } from '../packets/context.ts'
import type { PacketSummary } from '../store/search/listPackets.ts'

/** A stored packet as windows show it. */
export function cartridgeSummary(
  { models, live }: Pick<PacketContext, 'models' | 'live'>,
  packet: PacketSummary,
): CartridgeSummary {
  return {
    packetId: packet.packetId,
    contextId: packet.contextId,
    name: packet.name,
    kind: packet.kind as StateKind,
    model: {
      name: packet.modelName,
      architecture: packet.architecture,
      installed: models.entries().some(entry => entry.id === packet.modelName),
    },
    dtype: packet.dtype as StateDtype,
    tokens: packet.tokens,
    bytes: packet.bytes,
    createdAt: new Date(packet.createdAt).toISOString(),
    usedAt: packet.usedAt === null ? null : new Date(packet.usedAt).toISOString(),
    tags: [...packet.tags],
    pinned: packet.pinned,
    trust: packet.trust,
    verified: packet.verified,
    tier: live.hot.bytesOf(packet.packetId) > 0 ? 'hot' : live.warm.bytesOf(packet.packetId) > 0 ? 'warm' : 'cold',
    parents: packet.parents,
  }
}

/** The summary of one packet. Throws `E_NOT_FOUND`. */
export async function summaryOf(context: PacketContext, packetId: Digest): Promise<CartridgeSummary> {
  return cartridgeSummary(context, await context.store.summary(packetId))
}
