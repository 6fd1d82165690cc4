import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPacket } from '#engine/packets/createPacket.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { hexOf } from '#shared/domain/digest.ts'
import type { Input } from '#shared/rpc/client.ts'
import { ASSETS, bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
let models: string
beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'statepack-bad-'))
  const broken = join(models, 'broken')
  await cp(join(ASSETS, 'models', 'starter-transformer'), broken, { recursive: true })
  const config = JSON.parse(await readFile(join(broken, 'config.json'), 'utf8'))
  // The roots of negative numbers.
  await writeFile(join(broken, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: -1e6 }))
  test = await openTestEngine({ modelFolders: [models] })
})
afterAll(async () => {
  await test.close()
  await rm(models, { recursive: true, force: true })
})

const model = 'starter-transformer'

/** What is durable: blobs and packets; SQLite's own files may change their size. */
async function contents(): Promise<string[]> {
  const { state } = test.engine
  // It follows within a second, by way of a temporary file.
  await state.store.parts.indexFile.flush()
  const blobs = (await test.files()).filter(file => file.includes('/blobs/') || file.includes('/tmp/')).sort()
  return [...blobs, ...state.store.library.packets.all().map(row => row.packetId), String(state.receipts.count)]
}

describe('bad input is refused by name and changes nothing', () => {
  const cases: [string, Partial<Input<'packets.create'>>, string][] = [
    ['empty text', { sources: [{ name: 'a', text: '' }] }, 'E_EMPTY_TEXT'],
    ['only white space', { sources: [{ name: 'a', text: ' \n\t ' }] }, 'E_EMPTY_TEXT'],
    ['10 MB of text', { sources: [{ name: 'a', text: 'word '.repeat(2_000_000) }] }, 'E_TOO_LARGE'],
    ['binary data', { sources: [{ name: 'a', text: 'PK\u0003\u0004\0\0' }] }, 'E_NOT_TEXT'],
    ['a lone surrogate', { sources: [{ name: 'a', text: 'a \ud800 b' }] }, 'E_NOT_TEXT'],
    ['more than the context', { sources: [{ name: 'a', text: 'The fee is 1.\n'.repeat(1000) }] }, 'E_CONTEXT_LENGTH'],
    ['an unknown model', { model: 'gpt-9' }, 'E_UNKNOWN_MODEL'],
    ['a model that computes no numbers', { model: 'broken', dtype: 'float32' }, 'E_INFERENCE'],
    ['the same, to be rounded', { model: 'broken', dtype: 'int8' }, 'E_INFERENCE'],
  ]
  it.each(cases)('%s', async (_, change, code) => {
    const before = await contents()
    const input = { model, sources: [{ name: 'a', text: 'The fee is 1.\n' }], ...change }
    await expect(test.client.call('packets.create', input)).rejects.toMatchObject({ code })
    expect(await contents()).toEqual(before)
  })

  it('a contract violation names the field', async () => {
    await expect(test.client.call('packets.create', { model, sources: [] })).rejects.toMatchObject({
      code: 'E_BAD_INPUT',
      details: { field: 'sources' },
    })
  })

  it('cancelled half-way leaves nothing', async () => {
    const { text } = await bundledText('contract')
    const before = await contents()
    const cancel = new AbortController()
    const call = test.client.call(
      'packets.create',
      { model: 'starter-mamba', sources: [{ name: 'long', text: text.repeat(8) }] },
      { signal: cancel.signal, onProgress: ({ done }) => done !== undefined && done >= 256 && cancel.abort() },
    )
    await expect(call).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect(await contents()).toEqual(before)
  })

  it('a full disk', async () => {
    const { state } = test.engine
    const before = await contents()
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    // The product's own store code on a disk that reports itself full: only the system call is replaced.
    const original = state.store.parts.fs.open
    state.store.parts.fs.open = async (path, mode) => {
      if (mode === 'create') throw full
      return original.call(state.store.parts.fs, path, mode)
    }
    try {
      await expect(
        createPacket(state, { model, sources: [{ name: 'a', text: 'A text for a full disk.\n' }] }),
      ).rejects.toMatchObject({ code: 'E_DISK_FULL' })
    } finally {
      state.store.parts.fs.open = original
    }
    expect(await contents()).toEqual(before)
  })

  it('a name that is taken', async () => {
    await test.client.call('packets.create', { model, sources: [{ name: 'a', text: 'One text.\n' }], name: 'taken' })
    const before = await contents()
    const again = test.client.call('packets.create', {
      model,
      sources: [{ name: 'a', text: 'Another text.\n' }],
      name: 'taken',
    })
    await expect(again).rejects.toMatchObject({ code: 'E_CONFLICT' })
    expect(await contents()).toEqual(before)
  })
})

describe('a damaged store', () => {
  it('names a missing and a changed blob, and is healed by making the cartridge again', async () => {
    const { text } = await bundledText('card-coffee')
    const { cartridge } = await test.client.call('packets.create', { model, sources: [{ name: 'a', text }] })
    const manifest = await test.engine.state.store.readManifest(cartridge.packetId)
    const blob = (digest: Digest) => join(test.folder, 'store', 'blobs', 'sha256', hexOf(digest))
    const [tokens, kv] = manifest.layers
    if (tokens === undefined || kv === undefined) throw new Error('a cartridge has layers')
    await chmod(blob(kv.digest), 0o600)
    await writeFile(blob(kv.digest), new Uint8Array(kv.size))
    await expect(test.client.call('packets.verify', { ref: cartridge.packetId })).rejects.toMatchObject({
      code: 'E_CORRUPT',
    })
    await rm(blob(kv.digest))
    await expect(test.client.call('packets.infer', { ref: cartridge.packetId, delta: 'x' })).rejects.toMatchObject({
      code: 'E_MISSING_BLOB',
    })
    // Making it again heals it: what is missing is read and written again, under the same id.
    const healed = await test.client.call('packets.create', { model, sources: [{ name: 'a', text }] })
    expect(healed.tokensProcessed).toBe(cartridge.tokens)
    expect(healed.cartridge.packetId).toBe(cartridge.packetId)
    await expect(
      test.client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed' }),
    ).resolves.toMatchObject({ ok: true })
  })

  it('an unknown reference', async () => {
    for (const ref of ['nobody', 'a'.repeat(64), `sha256:${'b'.repeat(64)}`]) {
      await expect(test.client.call('packets.infer', { ref, delta: 'x' })).rejects.toMatchObject({
        code: 'E_NOT_FOUND',
      })
    }
  })

  it('a folder that is no store', async () => {
    const path = join(test.folder, 'file')
    await writeFile(path, 'not a folder')
    await expect(openTestEngine({ folder: test.folder, storeFolder: path })).rejects.toMatchObject({
      code: expect.stringMatching(/^E_(STORE_UNREADABLE|IO|READ_ONLY)$/),
    })
  })
})
