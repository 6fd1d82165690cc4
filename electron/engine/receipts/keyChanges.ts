/** What can be done with the signing keys of an installation. Each returns the keys as they are afterwards. */
import { StatePackError } from '#shared/domain/error.ts'
import { readRevocation, rotationLinks, signRevocation, signRotation } from './keyClaims.ts'
import { openKeyFile, sealKey } from './keyFile.ts'
import { type KeyRing, newSigningKey, openKeys, replaceSigningKey, saveClaim } from './keys.ts'

/** Signs with a new key from now on, for which the old one has signed: who trusted the old one goes on with the new. */
export async function rotateKeys(folder: string): Promise<KeyRing> {
  const { current } = await openKeys(folder)
  const next = newSigningKey()
  const name = `${next.keyid}.${current.keyid}.json`
  return replaceSigningKey(folder, next, [{ place: 'rotations', name, bytes: signRotation(current, next) }])
}

/**
 * The current key counts no more (someone else may have it): a new one takes its place, for which nothing vouches, as a
 * thief could sign for a successor too. `certificate` is the old key's own word, for those who trusted it.
 */
export async function revokeKey(folder: string): Promise<{ keys: KeyRing; certificate: string }> {
  const { current } = await openKeys(folder)
  const bytes = signRevocation(current)
  const keys = await replaceSigningKey(folder, newSigningKey(), [
    { place: 'revoked', name: `${current.keyid}.json`, bytes },
  ])
  return { keys, certificate: new TextDecoder().decode(bytes) }
}

/**
 * Takes in someone's word that their key counts no more. Throws `E_BAD_SIGNATURE`, `E_BAD_FORMAT`; `E_CONFLICT` for the key
 * that this installation signs with, which {@link revokeKey} replaces.
 */
export async function acceptRevocation(folder: string, certificate: string): Promise<KeyRing> {
  const bytes = Buffer.from(certificate.trim())
  const { keyid } = await readRevocation(bytes)
  if (keyid === (await openKeys(folder)).current.keyid)
    throw new StatePackError('E_CONFLICT', 'This revokes the key that is in use here: revoke it here, too.', { keyid })
  await saveClaim(folder, { place: 'revoked', name: `${keyid}.json`, bytes })
  return openKeys(folder)
}

/** The signing key, sealed; see {@link sealKey}. */
export async function exportKey(folder: string, passphrase: string): Promise<string> {
  const { current, rotations } = await openKeys(folder)
  return sealKey({ key: current, rotations }, passphrase)
}

/**
 * Signs with an exported key from now on; the one before stays trusted for what it signed. Throws `E_BAD_FORMAT`,
 * `E_BAD_INPUT`, `E_BAD_SIGNATURE` for a key that was revoked.
 */
export async function importKey(folder: string, text: string, passphrase: string): Promise<KeyRing> {
  const { key, rotations } = await openKeyFile(text, passphrase)
  if ((await openKeys(folder)).revoked.has(key.keyid))
    throw new StatePackError('E_BAD_SIGNATURE', 'This key was revoked and counts no more.', { keyid: key.keyid })
  const links = await rotationLinks(key, rotations)
  return replaceSigningKey(
    folder,
    key,
    links.map(({ from, to, bytes }) => ({ place: 'rotations', name: `${to.keyid}.${from.keyid}.json`, bytes })),
  )
}
