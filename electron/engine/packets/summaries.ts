import type { StateDtype, StateKind } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import type { InstalledModels } from '../live/modelRegistry.ts'
import type { PacketSummary } from '../store/search/listPackets.ts'
import type { PacketContext } from './context.ts'

/** A stored packet as windows show it. `installed` is asked of the pool once for a whole list. */
export async function cartridgeSummary(
  { installed, live }: { installed: InstalledModels; live: PacketContext['live'] },
  packet: PacketSummary,
): Promise<CartridgeSummary> {
  return {
    packetId: packet.packetId,
    contextId: packet.contextId,
    name: packet.name,
    kind: packet.kind as StateKind,
    model: {
      name: packet.modelName,
      architecture: packet.architecture,
      installed: await installed.has({
        architecture: packet.architecture,
        weightsDigest: packet.weightsDigest as Digest,
      }),
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
    spotChecks: packet.spotChecks,
  }
}

/** The summary of one packet. Throws `E_NOT_FOUND`. */
export async function summaryOf(context: PacketContext, packetId: Digest): Promise<CartridgeSummary> {
  const { models, live, store } = context
  return cartridgeSummary({ installed: models.installed(), live }, await store.summary(packetId))
}
