/**
 * Checkpoints in C2SP form: tlog-checkpoint (https://c2sp.org/tlog-checkpoint) in a signed note (https://c2sp.org/signed-note).
 *   <origin>\n<size>\n<base64 root>\n\n— <key name> <base64(key hash[4] || Ed25519 signature)>\n
 */
import { hash, sign } from 'node:crypto'
import { StatePackError } from '#shared/domain/error.ts'
import { type PublicKey, type SigningKey, verifyEd25519 } from './keys.ts'

/** "This log, when it had `size` receipts, had this root." */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** The signed note as text; the key's name is the origin. */
export function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): string {
  const body = bodyOf(checkpoint)
  const signature = sign(null, Buffer.from(body), key.privateKey)
  const signed = Buffer.concat([keyHash(checkpoint.origin, key), signature]).toString('base64')
  return `${body}\n\u2014 ${checkpoint.origin} ${signed}\n`
}

/**
 * Reads a checkpoint and checks it against the trusted keys; lines of other signers (witnesses) are allowed and ignored.
 * Throws `E_BAD_FORMAT` or `E_BAD_SIGNATURE`.
 */
export async function openCheckpoint(note: string, trusted: readonly PublicKey[]): Promise<Checkpoint> {
  const end = note.indexOf('\n\n')
  const body = note.slice(0, end + 1)
  const [origin = '', size = '', root = ''] = body.split('\n')
  if (end < 0 || origin === '' || !/^(0|[1-9][0-9]{0,14})$/.test(size) || !/^[A-Za-z0-9+/]{43}=$/.test(root)) {
    throw new StatePackError('E_BAD_FORMAT', 'This is not a checkpoint of a receipt log.')
  }
  for (const line of note.slice(end + 2).split('\n')) {
    const match = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line)
    if (match === null || match[1] !== origin) continue
    const signed = Buffer.from(match[2] ?? '', 'base64')
    for (const key of trusted) {
      if (!signed.subarray(0, 4).equals(keyHash(origin, key))) continue
      if (await verifyEd25519(Buffer.from(body), signed.subarray(4), key)) {
        return { origin, size: Number(size), root: Buffer.from(root, 'base64') }
      }
    }
  }
  throw new StatePackError('E_BAD_SIGNATURE', 'The checkpoint is not signed by a key that is trusted here.')
}

/** Name of a log in its checkpoints. The first line's hash holds a signature and a time, so no two logs share it. */
export function logOrigin(firstLeaf: Buffer): string {
  return `statepack-receipts/${firstLeaf.toString('hex').slice(0, 32)}`
}

function bodyOf({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** First four bytes of SHA-256(name || 0x0A || 0x01 || key); 0x01 is Ed25519. */
function keyHash(name: string, key: PublicKey): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n\u0001`), key.raw]), 'buffer').subarray(0, 4)
}
