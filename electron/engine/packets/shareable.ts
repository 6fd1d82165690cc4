import type { Digest } from '#shared/domain/digest.ts'
import { assertAllowed } from './assertAllowed.ts'
import type { PacketContext } from './context.ts'
import { attachMakingReceipt } from './makingReceipt.ts'
import { type Packet, readPacket } from './packet.ts'
import { soundReferrers } from './referrers.ts'
import { resolvePacketId } from './resolveRef.ts'
import { signPacket } from './signatures.ts'

/** What goes out beside a cartridge, besides signatures and traces. */
export interface Leaving {
  /** The receipt of its making. */
  readonly receipt: boolean
}

/** A cartridge as it leaves this library. */
export interface Shareable {
  readonly packet: Packet
  /** Signatures, receipts and traces that hold, in the order of their digests. */
  readonly referrers: readonly Digest[]
}

/**
 * What goes out when a cartridge is shared, in whatever form: signed here, without what somebody put beside it that does not
 * hold, which would be refused where it arrives. Throws `E_RESTRICTED` for an import that nobody trusts yet.
 */
export async function shareable(context: PacketContext, ref: string, { receipt }: Leaving): Promise<Shareable> {
  const packetId = await resolvePacketId(context, ref)
  assertAllowed(context, packetId, 'share')
  const packet = await readPacket(context.blobs, packetId)
  if (!context.store.readOnly) {
    await signPacket(context, packetId)
    if (receipt) await attachMakingReceipt(context, packetId)
  }
  const stored = context.store.library.referrers.list({ subject: packetId }).map(({ digest }) => digest)
  const { sound } = await soundReferrers(context, { packetId, blobs: context.store.blobs, referrers: stored })
  const leaving = sound.filter(one => receipt || one.receipt === null)
  return { packet, referrers: leaving.map(({ digest }) => digest) }
}
