/** The key that secrets are saved under: random, and itself encrypted by the operating system's key store. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SafeStorage } from 'electron'
import { replaceFile } from '#engine/store/replaceFile.ts'

/** What is used of Electron's safeStorage; only Linux has a choice of backends. */
export type KeyStore = Pick<SafeStorage, 'isEncryptionAvailable' | 'encryptString' | 'decryptString'> &
  Partial<Pick<SafeStorage, 'getSelectedStorageBackend'>>

/**
 * The 32-byte key of `file` in base64, made on first use and written with mode 0600, encrypted by `safeStorage`. A file
 * that does not decrypt is replaced: what was saved under its key is lost either way. Null, and nothing is written, when
 * there is no key store or it fails. Call it once the app is ready.
 */
export async function loadSecretKey(safeStorage: KeyStore, file: string): Promise<string | null> {
  try {
    if (!safeStorage.isEncryptionAvailable()) return null
    // Encrypted under a password that stands in Chromium's source: no better than plain text.
    if (safeStorage.getSelectedStorageBackend?.() === 'basic_text') return null
    return (await readKey(safeStorage, file)) ?? (await makeKey(safeStorage, file))
  } catch {
    return null
  }
}

async function readKey(safeStorage: KeyStore, file: string): Promise<string | null> {
  try {
    const key = safeStorage.decryptString(await readFile(file))
    return Buffer.from(key, 'base64').length === 32 ? key : null
  } catch {
    return null
  }
}

async function makeKey(safeStorage: KeyStore, file: string): Promise<string> {
  const key = randomBytes(32).toString('base64')
  const encrypted = safeStorage.encryptString(key)
  await mkdir(dirname(file), { recursive: true })
  await replaceFile(file, out => out.write(encrypted))
  return key
}
