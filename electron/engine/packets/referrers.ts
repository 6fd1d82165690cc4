import { z } from 'zod'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Manifest } from '#shared/domain/oci.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { parseEnvelope } from '../receipts/dsse.ts'
import { type PublicKey, publicKeyOf } from '../receipts/keys.ts'
import { verifyClaim } from '../receipts/statement.ts'
import type { BlobReader } from '../store/blobReader.ts'
import { readManifest } from '../store/manifests.ts'
import type { PacketContext } from './context.ts'
import { parseTrace } from './logitsTrace.ts'
import { knownPublishers } from './publishers.ts'
import { referrerManifest, SIGNATURE_TYPE, TRACE_TYPE } from './referrer.ts'

/** Bytes of one signature, and of one trace: far more than any that this product writes. */
export const REFERRER_CAPS = { [SIGNATURE_TYPE]: 64 * 1024, [TRACE_TYPE]: 64 * 1024 * 1024 }
/** Referrers of one cartridge that are looked at; the rest are refused unread. */
const MOST = 256

export interface PacketSignature {
  /** SHA-256 of the publisher's public key. */
  readonly keyid: string
  /** `own`: this installation. `known`: trusted before. `unknown`: nobody here has said so yet. */
  readonly publisher: 'own' | 'known' | 'unknown'
}

export interface SoundReferrer {
  readonly digest: Digest
  /** Null for what is no signature. */
  readonly signature: PacketSignature | null
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
  const known = knownPublishers(context)
  for (const [place, digest] of referrers.entries()) {
    try {
      if (place >= MOST) throw new StatePackError('E_TOO_LARGE', `More than ${MOST} signatures and traces.`)
      const manifest = await readManifest(blobs, digest)
      if (manifest.artifactType === TRACE_TYPE) {
        parseTrace(await content(blobs, manifest, { packetId, digest, type: TRACE_TYPE }))
        sound.push({ digest, signature: null })
        continue
      }
      const envelope = await content(blobs, manifest, { packetId, digest, type: SIGNATURE_TYPE })
      const { key } = await verifyClaim(envelope, { subject: packetId, trusted: [claimedKey(envelope)] })
      const isOwn = context.keys.trusted.some(({ keyid }) => keyid === key.keyid)
      const publisher = isOwn ? 'own' : known.includes(key.keyid) ? 'known' : 'unknown'
      sound.push({ digest, signature: { keyid: key.keyid, publisher } })
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
  return { sound, refused }
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
    throw new StatePackError('E_BAD_FORMAT', 'It is neither a signature nor a trace of this cartridge.', { digest })
  const canonical = canonicalBytes(referrerManifest({ content: layer, subject }))
  if (Buffer.compare(canonical, await blobs.read(digest)) !== 0)
    throw new StatePackError('E_BAD_FORMAT', 'Its manifest is not in canonical form.', { digest })
  return blobs.read(layer, { maxBytes: REFERRER_CAPS[type] })
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
