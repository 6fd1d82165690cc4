/**
 * A signing key on its way to another machine of the same owner: sealed with a passphrase. The passphrase is stretched by
 * scrypt (RFC 7914; 128 MiB a guess), the key sealed by AES-256-GCM; everything else in the file is authenticated with it.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { hexDigestSchema } from '#shared/domain/hexDigest.ts'
import { canonicalBytes, canonicalText } from '../canonicalJson.ts'
import { MOST_ROTATIONS, privatePem, type SigningKey, signingKeyOf } from './keys.ts'

/** Of one version all files have these parameters: a file cannot ask for weaker ones, or for all memory. */
const KDF = { name: 'scrypt', N: 131_072, r: 8, p: 1 } as const
const CIPHER = 'aes-256-gcm'
const [SALT, NONCE, TAG] = [16, 12, 16]
const SHORTEST = 8

const base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'base64 is expected')
const fileSchema = z.strictObject({
  version: z.literal('state-pack-key-v1'),
  keyid: hexDigestSchema,
  kdf: z.strictObject({
    name: z.literal(KDF.name),
    N: z.literal(KDF.N),
    r: z.literal(KDF.r),
    p: z.literal(KDF.p),
    salt: base64,
  }),
  cipher: z.literal(CIPHER),
  nonce: base64,
  /** Ciphertext, then the tag. */
  sealed: base64,
})
const contentSchema = z.strictObject({
  privateKey: z.string(),
  rotations: z.array(z.string()).max(MOST_ROTATIONS),
})

export interface KeyFileContent {
  readonly key: SigningKey
  readonly rotations: readonly string[]
}

/** The text of the file. Throws `E_BAD_INPUT` for a passphrase that is too short to protect anything. */
export async function sealKey({ key, rotations }: KeyFileContent, passphrase: string): Promise<string> {
  if ([...passphrase].length < SHORTEST)
    throw new StatePackError('E_BAD_INPUT', `The passphrase needs at least ${SHORTEST} characters.`, {
      field: 'passphrase',
    })
  const [salt, nonce] = [randomBytes(SALT), randomBytes(NONCE)]
  const header = {
    version: 'state-pack-key-v1' as const,
    keyid: key.keyid,
    kdf: { ...KDF, salt: salt.toString('base64') },
    cipher: CIPHER,
    nonce: nonce.toString('base64'),
  } satisfies Omit<z.input<typeof fileSchema>, 'sealed'>
  const cipher = createCipheriv(CIPHER, await stretched(passphrase, salt), nonce, { authTagLength: TAG })
  cipher.setAAD(canonicalBytes(header))
  const content = canonicalBytes({ privateKey: privatePem(key), rotations: [...rotations] })
  const sealed = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString('base64')
  return `${canonicalText({ ...header, sealed })}\n`
}

/** Throws `E_BAD_FORMAT` for what is no such file, `E_BAD_INPUT` for another passphrase or a file that was changed. */
export async function openKeyFile(text: string, passphrase: string): Promise<KeyFileContent> {
  const parsed = fileSchema.safeParse(jsonOf(text))
  if (!parsed.success) throw new StatePackError('E_BAD_FORMAT', 'This is not an exported signing key.')
  const { sealed, ...header } = parsed.data
  const bytes = Buffer.from(sealed, 'base64')
  const key = await stretched(passphrase, Buffer.from(header.kdf.salt, 'base64'))
  let content: Buffer
  try {
    const decipher = createDecipheriv(CIPHER, key, Buffer.from(header.nonce, 'base64'), { authTagLength: TAG })
    decipher.setAAD(canonicalBytes(header)).setAuthTag(bytes.subarray(-TAG))
    content = Buffer.concat([decipher.update(bytes.subarray(0, -TAG)), decipher.final()])
  } catch (cause) {
    throw new StatePackError('E_BAD_INPUT', 'The passphrase is another one, or the file was changed.', {}, cause)
  }
  const { privateKey, rotations } = contentSchema.parse(jsonOf(content.toString()))
  return { key: signingKeyOf(privateKey), rotations }
}

function stretched(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  const { N, r, p } = KDF
  // NFC: another machine's keyboard may spell the same letters otherwise.
  return promisify<string, Uint8Array, number, object, Buffer>(scrypt)(passphrase.normalize('NFC'), salt, 32, {
    ...{ N, r, p },
    maxmem: 256 * N * r,
  })
}

/** Null for what is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
