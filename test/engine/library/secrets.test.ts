import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSecretStore } from '#engine/library/secrets.ts'
import type { Price } from '#shared/domain/prices.ts'
import { startProvider } from '../savings/localProvider.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const API_KEY = 'sk-test-kept-0123456789abcdefGHIJKL'
const newKey = () => randomBytes(32).toString('base64')
const price: Price = {
  ...{ id: 'p', label: 'P', input: 2, cachedInput: 1, output: 8, cacheWrite: null },
  ...{ source: 'test', date: '2026-01-01' },
}

/** Settings in a map: the real table is used below, through an engine. */
function settings() {
  const rows = new Map<string, unknown>()
  return { rows, get: (key: string) => rows.get(key), set: (key: string, value: unknown) => void rows.set(key, value) }
}

/** Files under `folder` in which `what` stands, as it is or in base64 or hex. */
function filesWith(folder: string, what: string | Buffer): string[] {
  const bytes = Buffer.from(what)
  const forms = [bytes, Buffer.from(bytes.toString('hex'))]
  // Base64 of a text inside a longer one: without the edges, at each of the three alignments.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    forms.push(Buffer.from(encoded.slice(4, -4)))
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => {
      const content = readFileSync(file)
      return forms.some(form => content.includes(form))
    })
}

describe('secrets', () => {
  it('come back under their key, by name, until they are removed', () => {
    const [table, key] = [settings(), newKey()]
    const store = createSecretStore(table, key)
    expect([store.where, store.get('a')]).toEqual(['os-key-store', null])
    store.set('a', API_KEY)
    store.set('b', 'ключ 🔑')
    const again = createSecretStore(table, key)
    expect([again.get('a'), again.get('b')]).toEqual([API_KEY, 'ключ 🔑'])
    again.remove('a')
    expect([store.get('a'), store.get('b')]).toEqual([null, 'ключ 🔑'])
  })

  it('are absent under another key, when damaged, and under another name', () => {
    const [table, key] = [settings(), newKey()]
    const store = createSecretStore(table, key)
    store.set('a', API_KEY)
    expect(createSecretStore(table, newKey()).get('a')).toBeNull()
    const sealed = String(table.get('app.secret.a'))
    for (let at = 0; at < Buffer.from(sealed, 'base64').length; at++) {
      const bytes = Buffer.from(sealed, 'base64')
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      table.set('app.secret.a', bytes.toString('base64'))
      expect(store.get('a')).toBeNull()
    }
    for (const bad of ['', 'AAAA', 7, null, {}, sealed.slice(0, 20)]) {
      table.set('app.secret.a', bad)
      expect(store.get('a')).toBeNull()
    }
    table.set('app.secret.b', sealed)
    expect(store.get('b')).toBeNull()
    table.set('app.secret.a', sealed)
    expect(store.get('a')).toBe(API_KEY)
  })

  it.each([null, undefined, '', 'c2hvcnQ='])('stay in memory with the key %j', key => {
    const table = settings()
    const store = createSecretStore(table, key)
    store.set('a', API_KEY)
    expect([store.where, store.get('a'), table.rows.size]).toEqual(['memory', API_KEY, 0])
    expect(createSecretStore(table, key).get('a')).toBeNull()
    store.remove('a')
    expect(store.get('a')).toBeNull()
  })
})

describe("a provider's key in an engine", () => {
  const key = newKey()
  let studio: TestEngine
  beforeAll(async () => {
    studio = await openTestEngine({ secretKey: key })
  })
  afterAll(async () => {
    await studio.close()
    await rm(studio.folder, { recursive: true, force: true })
  })

  const benchmark = (endpoint: string, apiKey?: string, from = studio) =>
    from.client.call('savings.providerBenchmark', {
      ...{ endpoint, model: 'm', steps: 2, modes: ['full-history'], price, spendingCapUsd: 1 },
      ...(apiKey === undefined ? {} : { apiKey }),
    })

  it('is used by the benchmark once it is kept; before, no key is sent', async () => {
    await using server = await startProvider()
    expect(await studio.client.call('savings.providerKey', {})).toEqual({ saved: false, where: 'os-key-store' })
    await benchmark(server.endpoint)
    expect(server.requests.splice(0).map(request => request.authorization)).toEqual(['', ''])
    const kept = { saved: true, where: 'os-key-store' }
    expect(await studio.client.call('savings.setProviderKey', { apiKey: API_KEY })).toEqual(kept)
    await benchmark(server.endpoint)
    await benchmark(server.endpoint, 'sk-typed')
    const sent = server.requests.map(request => request.authorization)
    expect(sent).toEqual([`Bearer ${API_KEY}`, `Bearer ${API_KEY}`, 'Bearer sk-typed', 'Bearer sk-typed'])
    expect(await studio.client.call('savings.providerKey', {})).toEqual(kept)
  })

  it('stands in no file and in no answer, and outlives the engine', async () => {
    const { client, folder } = studio
    const { models } = await client.call('models.list', {})
    await client.call('savings.agentLoop', { model: models[0]?.id ?? '', steps: 1 })
    // There are receipts to search, and the search reads them.
    expect(filesWith(join(folder, 'store', 'receipts'), '"variant":"honest"')).not.toEqual([])
    await client.call('settings.get', {}).then(all => expect(inspect(all, { depth: 10 })).not.toContain(API_KEY))
    expect(filesWith(folder, API_KEY)).toEqual([])
    expect(filesWith(folder, Buffer.from(key, 'base64'))).toEqual([])
    expect(filesWith(folder, key)).toEqual([])
    // The control: the same search finds the same key where it is put as it is.
    const { settings: table } = studio.engine.state.store.library
    for (const form of [API_KEY, Buffer.from(`x${API_KEY}`).toString('base64')]) {
      table.set('app.control', form)
      expect(filesWith(folder, API_KEY).length).toBeGreaterThan(0)
    }
    table.set('app.control', undefined)

    const options = { folder, secretKey: key }
    await studio.engine.dispose()
    studio = await openTestEngine(options)
    expect(await studio.client.call('savings.providerKey', {})).toMatchObject({ saved: true })
    await studio.engine.dispose()
    studio = await openTestEngine({ ...options, secretKey: newKey() })
    expect(await studio.client.call('savings.providerKey', {})).toMatchObject({ saved: false })
    await studio.engine.dispose()
    studio = await openTestEngine(options)
    expect(await studio.client.call('savings.setProviderKey', { apiKey: null })).toMatchObject({ saved: false })
  })

  it('is kept in memory without a key store, and a key that cannot be one is refused without repeating it', async () => {
    const plain = await openTestEngine()
    try {
      const kept = await plain.client.call('savings.setProviderKey', { apiKey: API_KEY })
      expect(kept).toEqual({ saved: true, where: 'memory' })
      expect(filesWith(plain.folder, API_KEY)).toEqual([])
      const rows = Object.keys(plain.engine.state.store.library.settings.all())
      expect(rows.filter(row => row.startsWith('app.secret.'))).toEqual([])
      const refused = await plain.client.call('savings.setProviderKey', { apiKey: 'sk two words' }).catch(e => e)
      expect(refused).toMatchObject({ code: 'E_BAD_INPUT' })
      expect(inspect(refused, { depth: 10 })).not.toContain('two words')
    } finally {
      await plain.close()
    }
  })
})
