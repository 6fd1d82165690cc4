import { cartridgeFileName } from '#shared/domain/cartridgeFileName.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { exportCartridge } from '../store/cartridgeFile/exportCartridge.ts'
import type { Call, PacketContext } from './context.ts'
import { shareable } from './shareable.ts'
import { blobSha256 } from './stateLayers.ts'
import { summaryOf } from './summaries.ts'

/** One canonical `.cartridge` file, every blob re-hashed on the way. Throws `E_RESTRICTED` for an import nobody trusts yet. */
export async function exportPacket(
  context: PacketContext,
  ref: string,
  call: Call = {},
): Promise<Output<'packets.export'>> {
  const started = performance.now()
  const { packet, referrers } = await shareable(context, ref)
  const { packetId } = packet
  const chunks: Uint8Array[] = []
  for await (const chunk of exportCartridge(context.store.parts, packetId, { referrers })) {
    if (call.signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(Buffer.concat(chunks))
  const receipt = await context.recorder.record({
    receipt: {
      op: 'export',
      inputs: [{ role: 'packet', digest: packetId }],
      packet_id: packetId,
      context_id: packet.contextId,
      blob_sha256: blobSha256(packet.config),
      bytes: bytes.byteLength,
      model: packet.config.model,
      observed: { seconds: (performance.now() - started) / 1000 },
    },
  })
  const { name } = await summaryOf(context, packetId)
  return { fileName: cartridgeFileName(name), bytes, receipt: receiptView(receipt) }
}
