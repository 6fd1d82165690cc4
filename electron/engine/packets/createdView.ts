import type { Created as CreatedView } from '#shared/rpc/methods/packets.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { PacketContext } from './context.ts'
import type { Created } from './createPacket.ts'
import { reuseView } from './reuseView.ts'
import { summaryOf } from './summaries.ts'

/** A stored packet and what storing it took, as windows show it. */
export async function createdView(context: PacketContext, created: Created): Promise<CreatedView> {
  const { packetId, receipt, cacheHit, tokensProcessed, seconds, secondsReading, bytesWritten, prefix, miss, notes } =
    created
  return {
    cartridge: await summaryOf(context, packetId),
    receipt: receiptView(receipt),
    ...{ cacheHit, tokensProcessed, seconds, secondsReading, bytesWritten, notes: [...notes] },
    ...reuseView(context, { prefix, miss }),
  }
}
