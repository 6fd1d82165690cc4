/** Dead Simple Signing Envelope v1, https://github.com/secure-systems-lab/dsse: what is signed is PAE(type, body). */
import { sign } from 'node:crypto'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { canonicalText } from '../canonicalJson.ts'
import { type PublicKey, type SigningKey, verifyEd25519 } from './keys.ts'

export const IN_TOTO_TYPE = 'application/vnd.in-toto+json'

const envelopeSchema = z.object({
  payload: z.string(),
  payloadType: z.string().min(1),
  signatures: z.array(z.object({ keyid: z.string().optional(), sig: z.string() })).min(1),
})

export interface Envelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signatures: readonly { readonly keyid: string; readonly sig: Uint8Array }[]
}

/** Pre-authentication encoding: lengths make type and body unambiguous. `DSSEv1 SP len SP type SP len SP body`. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(payloadType)
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload])
}

/** Signs a payload. The envelope is canonical JSON, so equal input and key give equal bytes (Ed25519 is deterministic). */
export function signEnvelope(payloadType: string, payload: Uint8Array, key: SigningKey): Uint8Array {
  const signature = sign(null, pae(payloadType, payload), key.privateKey)
  return envelopeBytes({ payloadType, payload, signatures: [{ keyid: key.keyid, sig: signature }] })
}

/** The one way this product writes an envelope. */
export function envelopeBytes({ payloadType, payload, signatures }: Envelope): Uint8Array {
  const text = canonicalText({
    payload: base64(payload),
    payloadType,
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: base64(sig) })),
  })
  return Buffer.from(text)
}

/** Reads an envelope, standard or URL-safe base64. Throws `E_BAD_FORMAT`; checks no signature. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'This signature envelope is not JSON.', {}, cause)
  }
  const parsed = envelopeSchema.safeParse(json)
  if (!parsed.success) {
    throw new StatePackError('E_BAD_FORMAT', 'This is not a DSSE envelope.', { reason: z.prettifyError(parsed.error) })
  }
  const { payload, payloadType, signatures } = parsed.data
  return {
    payloadType,
    payload: unbase64(payload),
    signatures: signatures.map(s => ({ keyid: s.keyid ?? '', sig: unbase64(s.sig) })),
  }
}

/**
 * The key that signed: the first trusted key for which a signature holds. Throws `E_BAD_SIGNATURE` when none does.
 * `keyid` is only a hint (the DSSE specification): a signature without one is tried against every key.
 */
export async function verifyEnvelope(envelope: Envelope, trusted: readonly PublicKey[]): Promise<PublicKey> {
  const message = pae(envelope.payloadType, envelope.payload)
  for (const { keyid, sig } of envelope.signatures) {
    for (const key of trusted) {
      if ((keyid === '' || keyid === key.keyid) && (await verifyEd25519(message, sig, key))) return key
    }
  }
  const known = envelope.signatures.some(s => trusted.some(key => key.keyid === s.keyid))
  const reason = known ? 'The signature does not match the content.' : 'Signed by a key that is not trusted here.'
  throw new StatePackError('E_BAD_SIGNATURE', reason, { keyid: envelope.signatures[0]?.keyid ?? '', known })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const BASE64_URL = /^[A-Za-z0-9_-]*={0,2}$/

function unbase64(text: string): Uint8Array {
  if (BASE64.test(text)) return Buffer.from(text, 'base64')
  if (BASE64_URL.test(text)) return Buffer.from(text, 'base64url')
  throw new StatePackError('E_BAD_FORMAT', 'This signature envelope holds text that is not base64.')
}
