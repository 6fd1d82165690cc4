/** The receipt of a cartridge's making, which goes along with it: a line of its maker's log. */
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import { verifyEnvelope } from '../receipts/dsse.ts'
import type { PublicKey } from '../receipts/keys.ts'
import { parseLine } from '../receipts/logFile.ts'
import type { PacketContext } from './context.ts'
import { attach, RECEIPT_TYPE } from './referrer.ts'

/** Puts it beside a cartridge that was made here and whose receipt can be read; what stands there already is the same bytes. */
export async function attachMakingReceipt(context: PacketContext, packetId: Digest): Promise<void> {
  const bytes = await ownMakingLine(context, packetId)
  if (bytes !== null) await attach(context.store, { subject: packetId, artifactType: RECEIPT_TYPE, bytes })
}

/** The line of our own log; null where there is none that can be read. */
export async function ownMakingLine(
  { receipts }: Pick<PacketContext, 'receipts'>,
  packetId: Digest,
): Promise<Uint8Array | null> {
  return await receipts.madeBy(packetId).catch((thrown: unknown) => {
    // What was changed in the log is named by whoever verifies it, and keeps no cartridge here.
    if (thrown instanceof StatePackError && thrown.code === 'E_RECEIPT_LOG') return null
    throw thrown
  })
}

/**
 * What such a line says. It names its key and does not carry it: `signers` are those that the signatures beside it lead to. No
 * other key counts, not even one of ours, as it must hold by what goes along. Throws `E_BAD_SIGNATURE`, `E_BAD_FORMAT`.
 */
export async function judgeMakingReceipt(
  { keys }: Pick<PacketContext, 'keys'>,
  line: Uint8Array,
  { packetId, signers }: { packetId: Digest; signers: readonly PublicKey[] },
): Promise<Receipt> {
  const { envelope, receipt } = parseLine(line)
  const { keyid } = await verifyEnvelope(envelope, signers)
  if (keys.revoked.has(keyid))
    throw new StatePackError('E_BAD_SIGNATURE', 'Its key was revoked by its owner.', { keyid })
  if (receipt.ok && receipt.outputs.some(({ digest }) => digest === packetId)) return receipt
  throw new StatePackError('E_BAD_FORMAT', 'This receipt is about something else.', { receipt: receipt.receipt_id })
}
