/** What keys say about keys: in-toto statements whose subject is a key, by its id. */
import { z } from 'zod'
import { parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { parseEnvelope } from './dsse.ts'
import { type KeyRing, MOST_ROTATIONS, type PublicKey, publicKeyOf, publicPem, type SigningKey } from './keys.ts'
import { signClaim, verifyClaim } from './statement.ts'

/** The old key's word that the subject follows it. */
const ROTATION = 'urn:statepack:key-rotation:v1'
/** A key's own word that it counts no more. */
const REVOCATION = 'urn:statepack:key-revocation:v1'

export function signRotation(old: SigningKey, next: PublicKey): Uint8Array {
  return signKeyClaim(old, { about: next, type: ROTATION })
}

export function signRevocation(key: SigningKey): Uint8Array {
  return signKeyClaim(key, { about: key, type: REVOCATION })
}

function signKeyClaim(signer: SigningKey, { about, type }: { about: PublicKey; type: string }): Uint8Array {
  const claim = {
    subject: { name: 'signing-key', digest: parseDigest(about.keyid) },
    predicateType: type,
    predicate: { publicKey: publicPem(signer) },
  }
  return signClaim(claim, { current: signer })
}

/** The key that a certificate revokes: only itself can. Throws `E_BAD_SIGNATURE`, `E_BAD_FORMAT`. */
export async function readRevocation(envelope: Uint8Array): Promise<PublicKey> {
  const signer = claimedKey(envelope)
  await verifyKeyClaim(envelope, { signer, about: signer, type: REVOCATION })
  return signer
}

interface RotationLink {
  readonly from: PublicKey
  readonly to: PublicKey
  readonly bytes: Uint8Array
}

/**
 * The signed words by which a key follows from earlier ones, newest first, from a list that is oldest first. It is a
 * stranger's word: what does not hold ends it.
 */
export async function rotationLinks(key: PublicKey, rotations: readonly string[]): Promise<RotationLink[]> {
  const links: RotationLink[] = []
  for (const text of rotations.slice(-MOST_ROTATIONS).toReversed()) {
    const bytes = Buffer.from(text)
    const to = links.at(-1)?.from ?? key
    try {
      const from = claimedKey(bytes)
      await verifyKeyClaim(bytes, { signer: from, about: to, type: ROTATION })
      links.push({ from, to, bytes })
    } catch (thrown) {
      if (thrown instanceof StatePackError) break
      throw thrown
    }
  }
  return links
}

/** The id of the nearest `known` key from which `key` follows, no key between revoked; null when there is none. */
export async function followedFrom(
  key: PublicKey,
  {
    rotations,
    known,
    revoked,
  }: { rotations: readonly string[]; known: ReadonlySet<string> } & Pick<KeyRing, 'revoked'>,
): Promise<string | null> {
  for (const { from } of await rotationLinks(key, rotations)) {
    if (revoked.has(from.keyid)) return null
    if (known.has(from.keyid)) return from.keyid
  }
  return null
}

async function verifyKeyClaim(
  envelope: Uint8Array,
  { signer, about, type }: { signer: PublicKey; about: PublicKey; type: string },
): Promise<void> {
  const { predicateType } = await verifyClaim(envelope, { subject: parseDigest(about.keyid), trusted: [signer] })
  if (predicateType !== type) throw new StatePackError('E_BAD_FORMAT', 'This says something else about a key.')
}

/** The key that a claim says it was made with; the signature itself then proves it. Throws `E_BAD_SIGNATURE`, `E_BAD_FORMAT`. */
export function claimedKey(envelope: Uint8Array): PublicKey {
  return publicKeyOf(predicateOf(envelope).publicKey)
}

/** The signed words for the key of a claim that came along with it. */
export function claimedRotations(envelope: Uint8Array): readonly string[] {
  return predicateOf(envelope).rotations
}

const predicateSchema = z.object({
  publicKey: z.string(),
  rotations: z.array(z.string()).max(MOST_ROTATIONS).default([]),
})

function predicateOf(envelope: Uint8Array): z.output<typeof predicateSchema> {
  const { payload } = parseEnvelope(envelope)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(payload))
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'The signed content is not an in-toto statement.', {}, cause)
  }
  const parsed = z.object({ predicate: predicateSchema }).safeParse(json)
  if (!parsed.success) throw new StatePackError('E_BAD_SIGNATURE', 'The signature does not say which key made it.')
  return parsed.data.predicate
}
