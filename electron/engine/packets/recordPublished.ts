import type { Receipt } from '#shared/domain/receipt.ts'
import type { PacketContext } from './context.ts'
import type { Packet } from './packet.ts'
import { blobSha256 } from './stateLayers.ts'

/** The receipt of a cartridge that was put where others can get it. `bytes` travelled; `details`: where it is now. */
export async function recordPublished(
  { recorder }: Pick<PacketContext, 'recorder'>,
  { packetId, contextId, config }: Packet,
  how: { readonly bytes: number; readonly details: Readonly<Record<string, string>>; readonly seconds: number },
): Promise<Receipt> {
  return recorder.record({
    receipt: {
      op: 'publish',
      inputs: [{ role: 'packet', digest: packetId }],
      packet_id: packetId,
      context_id: contextId,
      blob_sha256: blobSha256(config),
      bytes: how.bytes,
      model: config.model,
      details: how.details,
      observed: { seconds: how.seconds },
    },
  })
}
