import { z } from 'zod'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { manifestSchema } from '#shared/domain/oci.ts'
import { parseEnvelope } from '../receipts/dsse.ts'
import { type PublicKey, publicKeyOf, publicPem } from '../receipts/keys.ts'
import { signClaim, verifyClaim } from '../receipts/statement.ts'
import type { BlobReader } from '../store/blobReader.ts'
import type { PacketContext } from './context.ts'
import { attach, SIGNATURE_TYPE } from './referrer.ts'

/** in-toto predicate type of a publisher's word for a cartridge. */
const PREDICATE = 'urn:statepack:cartridge-signature:v1'
const PUBLISHERS = 'app.publishers'

export interface PacketSignature {
  /** SHA-256 of the publisher's public key. */
  readonly keyid: string
  /** `own`: this installation. `known`: trusted before. `unknown`: nobody here has said so yet. */
  readonly publisher: 'own' | 'known' | 'unknown'
}

/** Signs a cartridge's manifest digest with this installation's key, once; the signature travels with the cartridge. */
export async function signPacket(context: PacketContext, packetId: Digest): Promise<void> {
  const { keys, store } = context
  const existing = await signaturesOf(context, {
    packetId,
    blobs: store.blobs,
    referrers: storedReferrers(context, packetId),
  })
  if (existing.some(({ keyid }) => keyid === keys.current.keyid)) return
  const claim = {
    subject: { name: 'cartridge', digest: packetId },
    predicateType: PREDICATE,
    predicate: { publicKey: publicPem(keys.current) },
  }
  await attach(store, { subject: packetId, artifactType: SIGNATURE_TYPE, bytes: signClaim(claim, keys) })
}

/** Valid signatures among a cartridge's referrers. One that does not hold throws `E_BAD_SIGNATURE`: it was tampered with. */
export async function signaturesOf(
  context: Pick<PacketContext, 'keys' | 'store'>,
  { packetId, blobs, referrers }: { packetId: Digest; blobs: BlobReader; referrers: readonly Digest[] },
): Promise<PacketSignature[]> {
  const known = publishers(context)
  const found: PacketSignature[] = []
  for (const digest of referrers) {
    const manifest = manifestSchema.parse(JSON.parse(new TextDecoder().decode(await blobs.read(digest))))
    const [layer] = manifest.layers
    if (manifest.artifactType !== SIGNATURE_TYPE || layer === undefined) continue
    const envelope = await blobs.read(layer)
    const { key } = await verifyClaim(envelope, { subject: packetId, trusted: [claimedKey(envelope)] })
    const own = context.keys.trusted.some(({ keyid }) => keyid === key.keyid)
    found.push({ keyid: key.keyid, publisher: own ? 'own' : known.includes(key.keyid) ? 'known' : 'unknown' })
  }
  return found
}

/** Digests of the referrers that the store has of a packet. */
export function storedReferrers({ store }: Pick<PacketContext, 'store'>, packetId: Digest): Digest[] {
  return store.library.referrers.list({ subject: packetId, artifactType: SIGNATURE_TYPE }).map(({ digest }) => digest)
}

/** Throws `E_BAD_SIGNATURE` unless a publisher that is trusted here has signed the cartridge. Returns its key id. */
export async function requireSignature(context: PacketContext, packetId: Digest): Promise<string> {
  const signatures = await signaturesOf(context, {
    packetId,
    blobs: context.store.blobs,
    referrers: storedReferrers(context, packetId),
  })
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

/** Trust on first use: whoever trusts a signed cartridge trusts its publishers from now on. */
export async function trustPublishers(context: PacketContext, packetId: Digest): Promise<void> {
  const signatures = await signaturesOf(context, {
    packetId,
    blobs: context.store.blobs,
    referrers: storedReferrers(context, packetId),
  })
  const added = signatures.filter(({ publisher }) => publisher === 'unknown').map(({ keyid }) => keyid)
  if (added.length > 0) context.store.library.settings.set(PUBLISHERS, [...publishers(context), ...added])
}

function publishers({ store }: Pick<PacketContext, 'store'>): string[] {
  return z.array(z.string()).safeParse(store.library.settings.get(PUBLISHERS)).data ?? []
}

/** The key that a signature says it was made with; the signature itself then proves it. */
function claimedKey(envelope: Uint8Array): PublicKey {
  const { payload } = parseEnvelope(envelope)
  const parsed = z
    .object({ predicate: z.object({ publicKey: z.string() }) })
    .safeParse(JSON.parse(new TextDecoder().decode(payload)))
  if (!parsed.success) throw new StatePackError('E_BAD_SIGNATURE', 'The signature does not say which key made it.')
  return publicKeyOf(parsed.data.predicate.publicKey)
}
