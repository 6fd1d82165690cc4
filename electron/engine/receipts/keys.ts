/**
 * The Ed25519 keys of this installation. They live in the app's data folder, never in a store: people zip and sync stores.
 *   <folder>/signing-key.pem          PKCS #8, 0600
 *   <folder>/retired/<keyid>.pub.pem  public halves of earlier keys, so that old receipts still verify
 *   <folder>/trusted/<keyid>.pub.pem  public keys of the owner's other machines, whose receipts count as own
 *   <folder>/rotations/<new>.<old>.json   the old key's signed word for the new one; travels with what the new one signs
 *   <folder>/revoked/<keyid>.json     keys, one's own or others', whose owner has signed that they count no more
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { access, chmod, link, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { replaceFile } from '../store/replaceFile.ts'

/** Links of a chain of keys that are looked at. */
export const MOST_ROTATIONS = 32

export interface PublicKey {
  /** SHA-256 of the DER (SPKI) form, 64 hexadecimal digits. */
  readonly keyid: string
  readonly publicKey: KeyObject
  /** The 32 bytes of the key itself. */
  readonly raw: Uint8Array
}

export interface SigningKey extends PublicKey {
  readonly privateKey: KeyObject
}

export interface KeyRing {
  /** Signs everything new. */
  readonly current: SigningKey
  /** Own keys, the current one first: what this installation trusts as its own. */
  readonly trusted: readonly PublicKey[]
  /** Signed words of earlier keys for their successors, oldest first, up to the current key: DSSE envelopes. */
  readonly rotations: readonly string[]
  /** Ids of keys that count no more, whoever's they are. */
  readonly revoked: ReadonlySet<string>
}

/**
 * Opens the keys in `folder`, making one on first use; of several processes starting at once, one key wins.
 * Throws `E_FORBIDDEN` when the folder lies inside a store, `E_CORRUPT` when the key file is not an Ed25519 key.
 */
export async function openKeys(folder: string): Promise<KeyRing> {
  await refuseInsideStore(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'signing-key.pem')
  const current = (await readSigningKey(file)) ?? (await createSigningKey(folder, file))
  const others: PublicKey[] = []
  for (const place of ['retired', 'trusted']) {
    for (const name of await readdir(join(folder, place)).catch(() => [])) {
      if (name.endsWith('.pub.pem')) others.push(publicKeyOf(await readFile(join(folder, place, name), 'utf8')))
    }
  }
  return {
    current,
    trusted: [current, ...others.filter(key => key.keyid !== current.keyid)],
    rotations: await readRotations(join(folder, 'rotations'), current.keyid),
    revoked: new Set((await namesIn(join(folder, 'revoked'))).map(name => name.replace(/\.json$/, ''))),
  }
}

/** From the first key of this owner to the one of `keyid`, link by link. */
async function readRotations(folder: string, keyid: string): Promise<string[]> {
  const names = await namesIn(folder)
  const links: string[] = []
  for (let at = keyid; links.length < MOST_ROTATIONS; ) {
    const name = names.find(found => found.startsWith(`${at}.`))
    if (name === undefined) break
    links.unshift(await readFile(join(folder, name), 'utf8'))
    at = name.split('.')[1] ?? ''
  }
  return links
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.json') && !name.startsWith('.'))
}

/** Accepts the receipts of another machine of the same owner: its public key, PEM. Throws `E_BAD_FORMAT`. */
export async function trustKey(folder: string, pem: string): Promise<KeyRing> {
  const key = publicKeyOf(pem)
  await savePublicKey(join(folder, 'trusted'), key)
  return openKeys(folder)
}

/** The public half as PEM: what another machine needs to check what this one signed. */
export function publicPem(key: PublicKey): string {
  return String(key.publicKey.export({ type: 'spki', format: 'pem' }))
}

/**
 * Replaces the signing key. The old public half stays trusted for what it signed, the old private half is erased. What
 * `keep` writes is on the disk before the key changes.
 */
export async function replaceSigningKey(
  folder: string,
  next: SigningKey,
  keep: { readonly place: 'rotations' | 'revoked'; readonly name: string; readonly bytes: Uint8Array }[] = [],
): Promise<KeyRing> {
  const { current } = await openKeys(folder)
  for (const { place, name, bytes } of keep) await saveClaim(folder, { place, name, bytes })
  if (next.keyid !== current.keyid) {
    await savePublicKey(join(folder, 'retired'), current)
    await writeDurably(join(folder, 'signing-key.pem'), privatePem(next))
  }
  return openKeys(folder)
}

/** Keeps a signed word about a key. */
export async function saveClaim(
  folder: string,
  { place, name, bytes }: { place: 'rotations' | 'revoked'; name: string; bytes: Uint8Array },
): Promise<void> {
  await mkdir(join(folder, place), { recursive: true, mode: 0o700 })
  await writeDurably(join(folder, place, name), new TextDecoder().decode(bytes))
}

export function newSigningKey(): SigningKey {
  return signingKeyOf(newKeyPem())
}

/** A private key from PEM. Throws for anything that is not an Ed25519 one. */
export function signingKeyOf(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem)
  return { privateKey, ...identify(createPublicKey(privateKey)) }
}

export function privatePem({ privateKey }: SigningKey): string {
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

/** A public key from PEM or from its 32 raw bytes. Throws `E_BAD_FORMAT` for anything that is not Ed25519. */
export function publicKeyOf(source: string | Uint8Array): PublicKey {
  try {
    const key =
      typeof source === 'string'
        ? createPublicKey(source)
        : createPublicKey({
            key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(source).toString('base64url') },
            format: 'jwk',
          })
    return identify(key)
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', 'This is not an Ed25519 public key.', {}, cause)
  }
}

/** True when `signature` is `key`'s over `message`. Runs on the thread pool: many at once use every core. */
export function verifyEd25519(message: Uint8Array, signature: Uint8Array, key: PublicKey): Promise<boolean> {
  if (signature.length !== 64) return Promise.resolve(false)
  return new Promise((resolve, reject) => {
    verify(null, message, key.publicKey, signature, (error, valid) => (error ? reject(error) : resolve(valid)))
  })
}

function identify(publicKey: KeyObject): PublicKey {
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new TypeError(`${publicKey.asymmetricKeyType} is not Ed25519`)
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return { publicKey, raw: der.subarray(-32), keyid: createHash('sha256').update(der).digest('hex') }
}

async function readSigningKey(file: string): Promise<SigningKey | null> {
  let pem: string
  try {
    pem = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    // A restored backup may have loosened it; only the owner has any business reading it.
    await chmod(file, 0o600)
    return signingKeyOf(pem)
  } catch (cause) {
    throw new StatePackError(
      'E_CORRUPT',
      `The signing key ${file} cannot be read; move it away to start a new one.`,
      { file },
      cause,
    )
  }
}

async function createSigningKey(folder: string, file: string): Promise<SigningKey> {
  const temporary = join(folder, `.new-${process.pid}-${process.hrtime.bigint()}`)
  await writeDurably(temporary, newKeyPem())
  try {
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
  const key = await readSigningKey(file)
  if (key === null) throw new StatePackError('E_IO', `The signing key ${file} vanished while it was being made.`)
  return key
}

async function savePublicKey(folder: string, key: PublicKey): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeDurably(join(folder, `${key.keyid}.pub.pem`), publicPem(key))
}

function newKeyPem(): string {
  return String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

function writeDurably(file: string, text: string): Promise<void> {
  return replaceFile(file, out => out.write(Buffer.from(text)))
}

async function refuseInsideStore(folder: string): Promise<void> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const marked = await access(join(at, 'oci-layout')).then(
      () => true,
      () => false,
    )
    if (marked) {
      throw new StatePackError(
        'E_FORBIDDEN',
        'Signing keys are never kept inside a store: stores are copied and shared.',
        { folder },
      )
    }
    if (dirname(at) === at) return
  }
}
