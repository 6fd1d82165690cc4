/** Secrets of this installation: encrypted among the library's settings when there is a key, else in memory only. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { SettingRows } from '../store/library/settingRows.ts'

export interface SecretStore {
  /** `os-key-store`: kept on disk, under a key that the operating system's key store guards. */
  readonly where: 'os-key-store' | 'memory'
  /** Null when there is none, or when it was saved under another key. */
  get(name: string): string | null
  set(name: string, value: string): void
  remove(name: string): void
}

const IV = 12
const TAG = 16
const settingOf = (name: string) => `app.secret.${name}`

/** `key`: 32 bytes in base64; with null, or anything that is not 32 bytes, secrets last as long as the store object. */
export function createSecretStore(
  settings: Pick<SettingRows, 'get' | 'set'>,
  key: string | null | undefined,
): SecretStore {
  const bytes = Buffer.from(key ?? '', 'base64')
  if (bytes.length !== 32) return inMemory()
  return {
    where: 'os-key-store',
    get: name => open(bytes, settingOf(name), settings.get(settingOf(name))),
    set: (name, value) => settings.set(settingOf(name), seal(bytes, settingOf(name), value)),
    remove: name => settings.set(settingOf(name), undefined),
  }
}

function inMemory(): SecretStore {
  const values = new Map<string, string>()
  return {
    where: 'memory',
    get: name => values.get(name) ?? null,
    set: (name, value) => void values.set(name, value),
    remove: name => void values.delete(name),
  }
}

/** AES-256-GCM: nonce, tag and ciphertext in base64. The setting's name is authenticated: no value can pass as another. */
function seal(key: Uint8Array, setting: string, value: string): string {
  const iv = randomBytes(IV)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG }).setAAD(Buffer.from(setting))
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

function open(key: Uint8Array, setting: string, stored: unknown): string | null {
  if (typeof stored !== 'string') return null
  try {
    const bytes = Buffer.from(stored, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG })
      .setAAD(Buffer.from(setting))
      .setAuthTag(bytes.subarray(IV, IV + TAG))
    return Buffer.concat([decipher.update(bytes.subarray(IV + TAG)), decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
