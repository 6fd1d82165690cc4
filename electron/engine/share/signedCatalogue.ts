import { CATALOGUE_TYPE, type Catalogue, catalogueSchema } from '#shared/domain/catalogue.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../receipts/dsse.ts'
import { type KeyRing, publicKeyOf, publicPem } from '../receipts/keys.ts'

/** Bytes of a catalogue: far more than the most entries with long cards take. */
export const CATALOGUE_CAP = 64 << 20

/** A catalogue and the key that signed it. */
export interface OpenedCatalogue {
  readonly catalogue: Catalogue
  readonly keyid: string
}

/** A DSSE envelope around the canonical JSON of the list. */
export function signCatalogue(list: Omit<Catalogue, 'publicKey' | 'formatVersion'>, { current }: KeyRing): Uint8Array {
  const catalogue = catalogueSchema.parse({ ...list, formatVersion: 1, publicKey: publicPem(current) })
  return signEnvelope(CATALOGUE_TYPE, canonicalBytes(catalogue), current)
}

/**
 * Reads one, signature first. Whose the key is, is for the caller to say. Throws `E_BAD_FORMAT`, `E_BAD_SIGNATURE`,
 * `E_UNSUPPORTED_VERSION`.
 */
export async function openCatalogue(bytes: Uint8Array): Promise<OpenedCatalogue> {
  const envelope = parseEnvelope(bytes)
  if (envelope.payloadType !== CATALOGUE_TYPE)
    throw new StatePackError('E_BAD_FORMAT', 'What is signed here is no catalogue.', { found: envelope.payloadType })
  const json = parse(envelope.payload)
  if (typeof json === 'object' && json !== null && 'formatVersion' in json && Number(json.formatVersion) > 1)
    throw new StatePackError('E_UNSUPPORTED_VERSION', 'This catalogue was written by a newer version of the app.')
  const { data: catalogue } = catalogueSchema.safeParse(json)
  if (catalogue === undefined)
    throw new StatePackError('E_BAD_FORMAT', 'A catalogue lacks something, or has something that none has.')
  const { keyid } = await verifyEnvelope(envelope, [publicKeyOf(catalogue.publicKey)])
  return { catalogue, keyid }
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'A catalogue is not JSON.', {}, cause)
  }
}
