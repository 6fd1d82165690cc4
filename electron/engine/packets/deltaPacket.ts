import { hexOf } from '#shared/domain/digest.ts'
import { tokenUse } from '#shared/domain/receipt.ts'
import type { Output } from '#shared/rpc/client.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { sha256 } from '../sha256.ts'
import { tokenizerOf } from './composeText.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { readPacket } from './packet.ts'
import { readableText } from './readableText.ts'
import { resolvePacketId } from './resolveRef.ts'

/** State Pack's delta packet, v1: a text bound to the state it continues. Reads no tokens. Throws `E_NOT_FOUND`, `E_EMPTY_TEXT` … */
export async function deltaPacket(
  context: PacketContext,
  { ref, delta }: { ref: string; delta: string },
): Promise<Output<'packets.delta'>> {
  const bytes = readableText(delta)
  const packet = await readPacket(context.blobs, await resolvePacketId(context, ref))
  const entry = await context.models.forFingerprint(packet.config.model, sameModel)
  const tokens = tokenizerOf(await context.models.open(entry.id)).encode(delta).length
  const receipt = await context.recorder.record({
    receipt: {
      op: 'delta',
      inputs: [
        { role: 'packet', digest: packet.packetId },
        { role: 'delta', digest: sha256(delta) },
      ],
      packet_id: packet.packetId,
      context_id: packet.contextId,
      delta_sha256: sha256(delta),
      bytes: bytes.byteLength,
      tokens: tokenUse({ base: packet.config.tokens.count, delta: tokens, processed: 0 }),
      model: packet.config.model,
    },
  })
  return {
    packet: {
      version: 'state-delta-v1',
      packet_id: packet.packetId,
      context_id: packet.contextId,
      model: packet.config.model.name,
      delta_sha256: hexOf(sha256(delta)),
      delta_bytes: bytes.byteLength,
      delta_text: delta,
    },
    tokens,
    receipt: receiptView(receipt),
  }
}
