import type { Digest } from '#shared/domain/digest.ts'
import { assertAllowed } from './assertAllowed.ts'
import type { Call, PacketContext } from './context.ts'
import { attachMakingReceipt } from './makingReceipt.ts'
import { type Packet, readPacket } from './packet.ts'
import { soundReferrers } from './referrers.ts'
import { resolvePacketId } from './resolveRef.ts'
import { signPacket } from './signatures.ts'
import { withholdText } from './withholdText.ts'

/** What goes out beside a cartridge, besides signatures and traces. */
export interface Leaving {
  /** The receipt of its making; none goes along where texts are withheld. */
  readonly receipt: boolean
  /** Its texts, recipe and tokens stay here. */
  readonly withhold: boolean
}

/** A cartridge as it leaves this library. */
export interface Shareable {
  readonly packet: Packet
  /** Signatures, receipts and traces that hold, in the order of their digests. */
  readonly referrers: readonly Digest[]
}

/**
 * What goes out when a cartridge is shared, in whatever form: signed here, without what somebody put beside it that does not
 * hold, which would be refused where it arrives. Throws `E_RESTRICTED` for an import that nobody trusts yet, and what
 * {@link withholdText} throws.
 */
export async function shareable(
  context: PacketContext,
  { ref, receipt, withhold }: Leaving & { readonly ref: string },
  call: Call,
): Promise<Shareable> {
  const named = await resolvePacketId(context, ref)
  assertAllowed(context, named, 'share')
  const whole = await readPacket(context.blobs, named)
  const packetId = withhold ? await withholdText(context, whole, call) : named
  const packet = withhold ? await readPacket(context.blobs, packetId) : whole
  // That of withholding names by its digest what is withheld.
  const sendsReceipt = receipt && !withhold
  if (!context.store.readOnly) {
    await signPacket(context, packetId)
    if (sendsReceipt) await attachMakingReceipt(context, packetId)
  }
  const stored = context.store.library.referrers.list({ subject: packetId }).map(({ digest }) => digest)
  const { sound } = await soundReferrers(context, { packetId, blobs: context.store.blobs, referrers: stored })
  const leaving = sound.filter(one => sendsReceipt || one.receipt === null)
  return { packet, referrers: leaving.map(({ digest }) => digest) }
}
