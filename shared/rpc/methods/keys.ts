/** The keys that receipts and shared cartridges are signed with, and whose signatures count. */
import { z } from 'zod'
import { hexDigestSchema } from '../../domain/hexDigest.ts'
import { method } from '../method.ts'

const keyid = hexDigestSchema
/** At most what a person could mean; stays in memory, never in a log. */
const passphrase = z.string().max(1000)

const keysSchema = z.strictObject({
  /** SHA-256 of the public key's DER form: what signs now. */
  keyid,
  /** PEM, for another machine of the same owner to trust. */
  publicKey: z.string(),
  /** Whose receipts count as one's own: earlier keys, and those of the owner's other machines. */
  own: z.array(keyid),
  /** Keys that count no more, whoever's they are. */
  revoked: z.array(keyid),
  /** Publishers that somebody here has trusted. */
  publishers: z.array(keyid),
})
export type Keys = z.infer<typeof keysSchema>

export const keyMethods = {
  'keys.status': method(z.strictObject({}), keysSchema),
  /** The signing key, sealed with a passphrase of at least 8 characters. `E_BAD_INPUT` for a shorter one. */
  'keys.export': method(z.strictObject({ passphrase }), z.strictObject({ fileName: z.string(), text: z.string() })),
  /** Signs with an exported key from now on. `E_BAD_INPUT` for another passphrase, `E_BAD_FORMAT` for another file. */
  'keys.import': method(z.strictObject({ text: z.string().max(1024 * 1024), passphrase }), keysSchema),
  /** Signs with a new key from now on, for which the old one has signed. */
  'keys.rotate': method(z.strictObject({}), keysSchema),
  /** Gives up the current key, which someone else may have: nothing vouches for the new one. */
  'keys.revoke': method(z.strictObject({}), z.strictObject({ keys: keysSchema, certificate: z.string() })),
  /** Takes in someone's certificate that their key counts no more. */
  'keys.acceptRevocation': method(z.strictObject({ certificate: z.string().max(64 * 1024) }), keysSchema),
  /** Takes the receipts of another machine of the same owner as one's own: its public key, PEM. */
  'keys.trust': method(z.strictObject({ publicKey: z.string().max(64 * 1024) }), keysSchema),
  /** Trusts a publisher no longer. What was trusted by then stays. `E_NOT_FOUND` for one that is not trusted. */
  'keys.forget': method(z.strictObject({ keyid }), keysSchema),
} as const
