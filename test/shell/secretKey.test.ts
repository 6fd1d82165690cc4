import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type KeyStore, loadSecretKey } from '../../electron/shell/secretKey.ts'

/** A STAND-IN for Electron's safeStorage: real AES-256-GCM, under a key that stands for the one in the OS key store. */
function keyStore(change: Partial<KeyStore> = {}): KeyStore {
  const osKey = randomBytes(32)
  return {
    isEncryptionAvailable: () => true,
    encryptString: plain => {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', osKey, iv)
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed])
    },
    decryptString: encrypted => {
      const decipher = createDecipheriv('aes-256-gcm', osKey, encrypted.subarray(0, 12))
      decipher.setAuthTag(encrypted.subarray(12, 28))
      return Buffer.concat([decipher.update(encrypted.subarray(28)), decipher.final()]).toString('utf8')
    },
    ...change,
  }
}

const newFile = () => join(mkdtempSync(join(tmpdir(), 'statepack-secret-')), 'deep', 'secret.key')

async function made(store: KeyStore, file: string): Promise<string> {
  const key = await loadSecretKey(store, file)
  if (key === null) throw new Error('a key was expected')
  return key
}

describe('the key of secrets', () => {
  it('is 32 random bytes, the same at every start, and on disk only encrypted and for its owner', async () => {
    const [store, file] = [keyStore(), newFile()]
    const key = await made(store, file)
    expect(Buffer.from(key, 'base64').length).toBe(32)
    expect(await made(store, file)).toBe(key)
    expect(await made(store, newFile())).not.toBe(key)
    expect(readdirSync(dirname(file))).toEqual(['secret.key'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const bytes = readFileSync(file)
    expect(bytes.includes(key)).toBe(false)
    expect(bytes.includes(Buffer.from(key, 'base64'))).toBe(false)
    // The control: the same search finds what is there.
    expect(Buffer.from(store.decryptString(bytes)).includes(key)).toBe(true)
  })

  it('is made anew when the file is damaged or another key store encrypted it', async () => {
    const [store, file] = [keyStore(), newFile()]
    const key = await made(store, file)
    const other = keyStore()
    const second = await made(other, file)
    expect(second).not.toBe(key)
    expect(await made(other, file)).toBe(second)
    for (const bytes of [Buffer.alloc(0), Buffer.from('nonsense'), other.encryptString('c2hvcnQ=')]) {
      writeFileSync(file, bytes)
      const next = await made(other, file)
      expect(Buffer.from(next, 'base64').length).toBe(32)
      expect(await made(other, file)).toBe(next)
    }
  })

  it.each<[string, Partial<KeyStore>]>([
    ['there is no key store', { isEncryptionAvailable: () => false }],
    ['the key store is a fixed password', { getSelectedStorageBackend: () => 'basic_text' }],
    [
      'the key store refuses',
      {
        encryptString: () => {
          throw new Error('denied')
        },
      },
    ],
  ])('is null and leaves no file when %s', async (_, change) => {
    const file = newFile()
    expect(await loadSecretKey(keyStore(change), file)).toBeNull()
    expect(existsSync(file)).toBe(false)
  })
})
