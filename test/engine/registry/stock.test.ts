/** Against the registry that Debian packages, and with another tool beside us. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledText, exported, openTestEngine, type TestEngine } from '../testEngine.ts'
import { noRegistry, noSkopeo, type StockRegistry, skopeoCopy, startStockRegistry } from './stockRegistry.ts'

const model = 'starter-transformer'

describe.skipIf(noRegistry !== null)(`a stock registry${noRegistry === null ? '' : ` (${noRegistry})`}`, () => {
  let registry: StockRegistry
  let here: TestEngine
  let there: TestEngine
  let base: string
  beforeAll(async () => {
    registry = await startStockRegistry()
    here = await openTestEngine()
    there = await openTestEngine()
    const { text, title } = await bundledText('card-station')
    const sources = [{ name: title, text }]
    base = (await here.client.call('packets.create', { model, sources, name: 'Base' })).cartridge.packetId
  })
  afterAll(async () => {
    await here?.close()
    await there?.close()
    await registry?.remove()
  })
  const place = (rest: string) => `${registry.host}/${rest}`
  const push = (ref: string, to: string) => here.client.call('share.push', { ref, to: place(to) })

  it('takes a cartridge with its signature, and gives it back byte for byte, restricted', async () => {
    const phases: string[] = []
    const pushed = await here.client.call(
      'share.push',
      { ref: base, to: place('me/base:v1') },
      { onProgress: ({ phase }) => phases.push(phase) },
    )
    expect(pushed).toMatchObject({ packetId: base, referrers: 2, blobs: { mounted: 0, there: 0 } })
    expect(pushed.bytesSent).toBe(pushed.bytes)
    expect(new Set(phases)).toEqual(new Set(['asking the registry', 'uploading']))
    expect(pushed.receipt.op).toBe('publish')
    const pulled = await there.client.call('packets.import', { from: pushed.reference, name: 'Pulled' })
    expect(pulled).toMatchObject({ duplicate: false, refusedReferrers: 0, bytesFetched: pushed.bytes })
    expect(pulled.cartridge).toMatchObject({ packetId: base, name: 'Pulled', trust: 'restricted' })
    await expect(there.client.call('packets.infer', { ref: base, delta: 'x' })).rejects.toMatchObject({
      code: 'E_RESTRICTED',
    })
    await expect(there.client.call('share.push', { ref: base, to: place('me/other') })).rejects.toMatchObject({
      code: 'E_RESTRICTED',
    })
    await there.client.call('library.trust', { packetId: base as never })
    await expect(there.client.call('packets.verify', { ref: base, level: 'signed' })).resolves.toMatchObject({
      ok: true,
    })
    // The file of both, signature and all, but for the second signature that exporting adds there.
    const [a, b] = [await exported(here.client, { ref: base }), await exported(there.client, { ref: base })]
    expect(b.byteLength).toBeGreaterThan(a.byteLength)
    const third = await openTestEngine()
    try {
      await third.client.call('packets.import', { from: place(`me/base@${base}`) })
      const { store } = third.engine.state
      const signatures = store.library.referrers.list({ subject: base as never }).map(({ digest }) => digest)
      const chunks: Uint8Array[] = []
      for await (const chunk of store.exportCartridge(base as never, { referrers: signatures })) chunks.push(chunk)
      expect(Buffer.compare(Buffer.concat(chunks), a)).toBe(0)
      expect(await readdir(join(third.folder, 'store', 'incoming'))).toEqual(['lock.sqlite'])
    } finally {
      await third.close()
    }
  })

  it('is sent nothing twice', async () => {
    const again = await push(base, 'me/base:v2')
    expect(again).toMatchObject({ bytesSent: 0, blobs: { sent: 0, mounted: 0 } })
    expect((await here.client.call('share.tags', { repository: place('me/base') })).tags.sort()).toEqual(['v1', 'v2'])
  })

  it('is sent a child’s own blocks only; blocks in a neighbouring repository are mounted', async () => {
    const { cartridge } = await here.client.call('packets.merge', { ref: base, delta: '\nMore: the gate is green.\n' })
    const beside = await push(cartridge.packetId, 'me/base:child')
    const { store } = here.engine.state
    const blobs = async (ref: string) => (await store.readManifest(ref as never)).layers.map(({ digest }) => digest)
    const [own, shared] = [await blobs(cartridge.packetId), new Set(await blobs(base))]
    expect(own.filter(digest => shared.has(digest)).length).toBeGreaterThan(0)
    // Its own layers, its config, and what its signature and its receipt say.
    expect(beside.blobs?.sent).toBe(own.filter(digest => !shared.has(digest)).length + 3)
    expect(beside.bytesSent).toBeLessThan(beside.bytes / 2)
    const elsewhere = await push(cartridge.packetId, 'me/elsewhere:child')
    expect(elsewhere).toMatchObject({ bytesSent: 0, blobs: { sent: 0, there: 0 } })
    const pulled = await there.client.call('packets.import', { from: place('me/elsewhere:child') })
    // The base is there already.
    expect(pulled.bytesFetched).toBe(beside.bytesSent)
  })

  it('has nothing under a name it does not know, and says so', async () => {
    for (const from of ['me/base:none', 'me/none', `me/base@sha256:${'0'.repeat(64)}`]) {
      await expect(there.client.call('packets.import', { from: place(from) })).rejects.toMatchObject({
        code: 'E_NOT_FOUND',
        message: expect.stringContaining(from),
      })
    }
    await expect(there.client.call('share.tags', { repository: place('me/none') })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    })
  })

  it.skipIf(noSkopeo !== null)(
    `and skopeo: both ways, byte for byte${noSkopeo === null ? '' : ` (${noSkopeo})`}`,
    async () => {
      const layout = join(here.folder, 'store')
      await here.client.call('packets.export', { ref: base })
      await here.engine.state.store.parts.indexFile.flush()
      await skopeoCopy(`oci:${layout}:Base`, `docker://${place('skopeo/base:in')}`)
      const fourth = await openTestEngine()
      const copied = join(fourth.folder, 'copied')
      try {
        const { cartridge } = await fourth.client.call('packets.import', { from: place('skopeo/base:in') })
        expect(cartridge.packetId).toBe(base)
        await skopeoCopy(`docker://${place('me/base:v1')}`, `oci:${copied}:out`)
        const index = JSON.parse(await readFile(join(copied, 'index.json'), 'utf8'))
        expect(index.manifests[0].digest).toBe(base)
        for (const name of await readdir(join(copied, 'blobs', 'sha256'))) {
          const [theirs, ours] = await Promise.all(
            [copied, layout].map(folder => readFile(join(folder, 'blobs', 'sha256', name))),
          )
          expect(Buffer.compare(theirs ?? Buffer.of(1), ours ?? Buffer.of(2))).toBe(0)
        }
      } finally {
        await rm(copied, { recursive: true, force: true })
        await fourth.close()
      }
    },
  )
})
