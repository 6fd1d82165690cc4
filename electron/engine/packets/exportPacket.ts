import { cartridgeFileName } from '#shared/domain/cartridgeFileName.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CallContext } from '#shared/rpc/contract.ts'
import { receiptView } from '../receipts/receiptView.ts'
import { exportCartridge } from '../store/cartridgeFile/exportCartridge.ts'
import type { PacketContext } from './context.ts'
import { type Leaving, shareable } from './shareable.ts'
import { blobSha256 } from './stateLayers.ts'
import { summaryOf } from './summaries.ts'

/**
 * Sends one canonical `.cartridge` file, every blob re-hashed on the way, and holds none of it longer than its reader takes.
 * Throws `E_RESTRICTED` for an import nobody trusts yet.
 */
export async function exportPacket(
  context: PacketContext,
  leaving: Leaving & { readonly ref: string },
  { signal, progress, send }: Pick<CallContext<'packets.export'>, 'signal' | 'progress' | 'send'>,
): Promise<Output<'packets.export'>> {
  const started = performance.now()
  const { packet, referrers } = await shareable(context, leaving, { signal, progress })
  const { packetId } = packet
  const total = packet.manifest.layers.reduce((sum, layer) => sum + layer.size, packet.manifest.config.size)
  let bytes = 0
  for await (const chunk of exportCartridge(context.store.parts, packetId, { referrers })) {
    signal.throwIfAborted()
    bytes += chunk.byteLength
    await send(new Uint8Array(chunk))
    progress({ phase: 'exporting', done: bytes, total, unit: 'bytes' })
  }
  const receipt = await context.recorder.record({
    receipt: {
      op: 'export',
      inputs: [{ role: 'packet', digest: packetId }],
      packet_id: packetId,
      context_id: packet.contextId,
      blob_sha256: blobSha256(packet.config),
      bytes,
      model: packet.config.model,
      observed: { seconds: (performance.now() - started) / 1000 },
    },
  })
  const { name } = await summaryOf(context, packetId)
  return { fileName: cartridgeFileName(name), bytes, receipt: receiptView(receipt) }
}
