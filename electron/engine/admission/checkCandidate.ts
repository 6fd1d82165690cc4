import { checkContents } from '../packets/checkContents.ts'
import type { PacketContext } from '../packets/context.ts'
import { type Packet, readPacket } from '../packets/packet.ts'
import { type JudgedReferrers, soundReferrers } from '../packets/referrers.ts'
import type { ImportCandidate } from '../store/cartridgeFile/importCartridge.ts'

export interface CheckedCandidate extends JudgedReferrers {
  readonly packet: Packet
}

/**
 * Everything that can be known of a file before anything of it is kept: every layer read once, every document in its one
 * form, each signature, receipt and trace judged by itself. Throws `E_BAD_FORMAT`, `E_CORRUPT`, `E_MISSING_BLOB`.
 */
export async function checkCandidate(context: PacketContext, found: ImportCandidate): Promise<CheckedCandidate> {
  const { blobs } = found
  const packet = await readPacket(blobs, found.packet.packetId)
  await checkContents(blobs, packet)
  const referrers = found.referrers.map(({ digest }) => digest)
  return { packet, ...(await soundReferrers(context, { packetId: packet.packetId, blobs, referrers })) }
}
