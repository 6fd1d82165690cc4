import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Manifest } from '#shared/domain/oci.ts'
import type { Receipt } from '#shared/domain/receipt.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { claimedKey, claimedRotations, followedFrom, rotationLinks } from '../receipts/keyClaims.ts'
import type { PublicKey } from '../receipts/keys.ts'
import { verifyClaim } from '../receipts/statement.ts'
import type { BlobReader } from '../store/blobReader.ts'
import { readManifest } from '../store/manifests.ts'
import type { PacketContext } from './context.ts'
import { parseTrace } from './logitsTrace.ts'
import { judgeMakingReceipt } from './makingReceipt.ts'
import { knownPublishers } from './publishers.ts'
import { RECEIPT_TYPE, referrerManifest, SIGNATURE_TYPE, TRACE_TYPE } from './referrer.ts'

/** Bytes of one signature, one receipt, one trace: far more than any that this product writes. */
export const REFERRER_CAPS = {
  [SIGNATURE_TYPE]: 64 * 1024,
  [RECEIPT_TYPE]: 64 * 1024,
  [TRACE_TYPE]: 64 * 1024 * 1024,
}
/** in-toto predicate type of a publisher's word for a cartridge. */
export const SIGNATURE_PREDICATE = 'urn:statepack:cartridge-signature:v1'
/** Referrers of one cartridge that are looked at; the rest are refused unread. */
const MOST = 256

export interface PacketSignature {
  /** SHA-256 of the publisher's public key. */
  readonly keyid: string
  /** That id, and those of the keys that it follows, as they have signed, newest first. */
  readonly succession: readonly string[]
  /** `own`: this installation. `known`: trusted before. `unknown`: nobody here has said so yet. */
  readonly publisher: 'own' | 'known' | 'unknown'
  /** Of a `known` publisher with a new key: the id of the trusted one that has signed for it. */
  readonly follows: string | null
}

export interface SoundReferrer {
  readonly digest: Digest
  /** Null for what is no signature. */
  readonly signature: PacketSignature | null
  /** How the cartridge was made, in the words of who signed it; null for what is no receipt. */
  readonly receipt: Receipt | null
}

export interface JudgedReferrers {
  /** Those that hold, in the order given. */
  readonly sound: readonly SoundReferrer[]
  /** Those that do not: junk, forged, of an unknown kind, unreadable. Each is refused alone. */
  readonly refused: readonly { readonly digest: Digest; readonly why: StatePackError }[]
}

/** Judges what speaks about a cartridge, one by one: whatever stands beside it, the cartridge itself is unharmed. */
export async function soundReferrers(
  context: Pick<PacketContext, 'keys' | 'store'>,
  { packetId, blobs, referrers }: { packetId: Digest; blobs: BlobReader; referrers: readonly Digest[] },
): Promise<JudgedReferrers> {
  const sound: SoundReferrer[] = []
  const refused: { digest: Digest; why: StatePackError }[] = []
  /** Keys that have signed this cartridge, and those that they follow. */
  const signers: PublicKey[] = []

  async function judge(digest: Digest): Promise<Omit<SoundReferrer, 'digest'>> {
    const manifest = await readManifest(blobs, digest)
    const read = (type: keyof typeof REFERRER_CAPS) => content(blobs, manifest, { packetId, digest, type })
    if (manifest.artifactType === TRACE_TYPE) {
      parseTrace(await read(TRACE_TYPE))
      return { signature: null, receipt: null }
    }
    if (manifest.artifactType === RECEIPT_TYPE) {
      const receipt = await judgeMakingReceipt(context, await read(RECEIPT_TYPE), { packetId, signers })
      return { signature: null, receipt }
    }
    const { signature, keys } = await judgeSignature(context, await read(SIGNATURE_TYPE), packetId)
    signers.push(...keys)
    return { signature, receipt: null }
  }

  for (const digest of await receiptsLast(blobs, referrers.slice(0, MOST))) {
    try {
      sound.push({ digest, ...(await judge(digest)) })
    } catch (thrown) {
      const isKnown = thrown instanceof StatePackError
      // Not readable now is not the same as wrong: that is for whoever asked to know.
      if (isKnown && (thrown.code === 'E_IO' || thrown.code === 'E_STORE_UNREADABLE')) throw thrown
      refused.push({
        digest,
        why: isKnown ? thrown : new StatePackError('E_BAD_SIGNATURE', 'This is no signature.', { digest }, thrown),
      })
    }
  }
  for (const digest of referrers.slice(MOST))
    refused.push({
      digest,
      why: new StatePackError('E_TOO_LARGE', `More than ${MOST} signatures, receipts and traces.`),
    })
  return { sound: sound.toSorted((a, b) => referrers.indexOf(a.digest) - referrers.indexOf(b.digest)), refused }
}

/** Signatures first: a receipt is checked with the keys that they bring. */
async function receiptsLast(blobs: BlobReader, referrers: readonly Digest[]): Promise<Digest[]> {
  const receipts = new Set<Digest>()
  for (const digest of referrers) {
    // One that cannot be read is judged, and refused, like any other.
    const manifest = await readManifest(blobs, digest).catch(() => null)
    if (manifest?.artifactType === RECEIPT_TYPE) receipts.add(digest)
  }
  return [...referrers.filter(digest => !receipts.has(digest)), ...receipts]
}

/** The one layer of a referrer, whose manifest must be the very one that this product writes around it. */
async function content(
  blobs: BlobReader,
  manifest: Manifest,
  { packetId, digest, type }: { packetId: Digest; digest: Digest; type: keyof typeof REFERRER_CAPS },
): Promise<Uint8Array> {
  const [layer] = manifest.layers
  const subject = manifest.subject
  if (manifest.artifactType !== type || layer === undefined || subject?.digest !== packetId)
    throw new StatePackError('E_BAD_FORMAT', 'It is no signature, receipt or trace of this cartridge.', { digest })
  const canonical = canonicalBytes(referrerManifest({ content: layer, subject }))
  if (Buffer.compare(canonical, await blobs.read(digest)) !== 0)
    throw new StatePackError('E_BAD_FORMAT', 'Its manifest is not in canonical form.', { digest })
  return blobs.read(layer, { maxBytes: REFERRER_CAPS[type] })
}

/** Whose word it is. Throws `E_BAD_SIGNATURE`, `E_BAD_FORMAT` for one that does not hold, or by a key that was revoked. */
async function judgeSignature(
  context: Pick<PacketContext, 'keys' | 'store'>,
  envelope: Uint8Array,
  packetId: Digest,
): Promise<{ signature: PacketSignature; keys: readonly PublicKey[] }> {
  const { key, predicateType } = await verifyClaim(envelope, { subject: packetId, trusted: [claimedKey(envelope)] })
  const { keyid } = key
  if (predicateType !== SIGNATURE_PREDICATE)
    throw new StatePackError('E_BAD_SIGNATURE', 'What is signed here is no word for a cartridge.', { predicateType })
  const { revoked, trusted } = context.keys
  if (revoked.has(keyid)) throw new StatePackError('E_BAD_SIGNATURE', 'Its key was revoked by its owner.', { keyid })
  const rotations = claimedRotations(envelope)
  const keys = [key, ...(await rotationLinks(key, rotations)).map(({ from }) => from)]
  const succession = keys.map(one => one.keyid)
  const as = (publisher: PacketSignature['publisher'], follows: string | null = null) => ({
    signature: { keyid, succession, publisher, follows },
    keys,
  })
  if (trusted.some(own => own.keyid === keyid)) return as('own')
  const known = new Set(knownPublishers(context))
  if (known.has(keyid)) return as('known')
  const follows = await followedFrom(key, { rotations, known, revoked })
  return as(follows === null ? 'unknown' : 'known', follows)
}
