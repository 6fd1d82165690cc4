import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { publicPem } from '../receipts/keys.ts'
import { signClaim } from '../receipts/statement.ts'
import { assertNotBlocked } from './blockedPublishers.ts'
import type { PacketContext } from './context.ts'
import { trustPublisher } from './publishers.ts'
import { attach, SIGNATURE_TYPE } from './referrer.ts'
import { type PacketSignature, SIGNATURE_PREDICATE, soundReferrers } from './referrers.ts'

/** Signs a cartridge's manifest digest with this installation's key, once; the signature travels with the cartridge. */
export async function signPacket(context: PacketContext, packetId: Digest): Promise<void> {
  const { keys, store } = context
  const { rotations } = keys
  const existing = await storedSignatures(context, packetId)
  if (existing.some(({ keyid }) => keyid === keys.current.keyid)) return
  const claim = {
    subject: { name: 'cartridge', digest: packetId },
    predicateType: SIGNATURE_PREDICATE,
    // With its predecessors' words: who trusted one of them can go on with this one.
    predicate: { publicKey: publicPem(keys.current), ...(rotations.length === 0 ? {} : { rotations: [...rotations] }) },
  }
  await attach(store, { subject: packetId, artifactType: SIGNATURE_TYPE, bytes: signClaim(claim, keys) })
}

/** Signatures of a stored cartridge that hold, in the order in which they came here. */
export async function storedSignatures(
  context: Pick<PacketContext, 'keys' | 'store'>,
  packetId: Digest,
): Promise<PacketSignature[]> {
  const { blobs, library } = context.store
  const rows = library.referrers.list({ subject: packetId, artifactType: SIGNATURE_TYPE })
  const referrers = rows.sort((a, b) => a.addedAt - b.addedAt).map(({ digest }) => digest)
  const { sound } = await soundReferrers(context, { packetId, blobs, referrers })
  return sound.flatMap(({ signature }) => (signature === null ? [] : [signature]))
}

/** Throws `E_BAD_SIGNATURE` unless a publisher that is trusted here has signed the cartridge. Returns its key id. */
export async function requireSignature(context: PacketContext, packetId: Digest): Promise<string> {
  const signatures = await storedSignatures(context, packetId)
  const trusted = signatures.find(({ publisher }) => publisher !== 'unknown')
  if (trusted !== undefined) return trusted.keyid
  const [stranger] = signatures
  throw new StatePackError(
    'E_BAD_SIGNATURE',
    stranger === undefined
      ? 'Nobody has signed this cartridge.'
      : 'This cartridge is signed by a publisher that nobody here trusts yet. Trusting the cartridge trusts its publisher.',
    { packetId, keyid: stranger?.keyid ?? null },
  )
}

/** Who signed, in words, as a person who is asked for trust is told; null for nobody. */
export function signerInWords([first]: readonly PacketSignature[]): string | null {
  if (first === undefined) return null
  const whose = {
    own: 'this installation',
    known: 'a publisher trusted before',
    unknown: 'a publisher seen for the first time',
  }
  const follows =
    first.follows === null ? '' : `, with a new key that the one before (${first.follows.slice(0, 16)}…) has signed for`
  return `${whose[first.publisher]} (${first.keyid.slice(0, 16)}…${follows})`
}

/**
 * Lets an import be run, and trusts the one signer that {@link signerInWords} named: whoever signed it first. Throws
 * `E_BLOCKED`.
 */
export async function trustCartridge(context: PacketContext, packetId: Digest): Promise<void> {
  const { packets } = context.store.library
  if (packets.get(packetId)?.trust !== 'restricted') return
  const signatures = await storedSignatures(context, packetId)
  assertNotBlocked(context, signatures)
  const [first] = signatures
  context.store.library.connection
    .transaction(() => {
      packets.setTrust(packetId, 'trusted')
      if (first !== undefined && first.publisher !== 'own') trustPublisher(context, first.keyid)
    })
    .immediate()
}
