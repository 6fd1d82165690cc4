import type { Digest } from '#shared/domain/digest.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import { parseLine } from '../receipts/logFile.ts'
import type { PacketContext } from './context.ts'
import { ownMakingLine } from './makingReceipt.ts'
import { soundReferrers } from './referrers.ts'

/** The receipt of its making that leaves with a cartridge: our own, or the one that came with it; null for neither. */
export async function receiptAlong(context: PacketContext, packetId: Digest): Promise<Receipt | null> {
  const own = await ownMakingLine(context, packetId)
  if (own !== null) return parseLine(own).receipt
  const { blobs, library } = context.store
  const referrers = library.referrers.list({ subject: packetId }).map(({ digest }) => digest)
  const { sound } = await soundReferrers(context, { packetId, blobs, referrers })
  return sound.find(({ receipt }) => receipt !== null)?.receipt ?? null
}
