/** Catalogues: the one that ships with the app, and one in a registry; whose they are, what they list, what is newer. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { openCatalogue, signCatalogue } from '#engine/share/signedCatalogue.ts'
import { isAnswer } from '#shared/domain/answers.ts'
import { startTestRegistry, type TestRegistry } from '../registry/testRegistry.ts'
import { ASSETS, bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let registry: TestRegistry
let ada: TestEngine
let bob: TestEngine
let place: string
let first: string

beforeAll(async () => {
  registry = await startTestRegistry()
  ada = await openTestEngine()
  bob = await openTestEngine()
  place = `${registry.host}/ada/catalogue`
  const { text, title } = await bundledText('card-coffee')
  const card = '# Coffee\n\nThe sheet of a café.\n\n## Questions it answers\n\n- Who is the manager of Harbor Coffee?\n'
  const sources = [{ name: title, text }]
  const made = await ada.client.call('packets.create', { model: 'starter-transformer', sources, card, name: 'Coffee' })
  first = made.cartridge.packetId
})
afterAll(async () => {
  await ada?.close()
  await bob?.close()
  await registry?.close()
})

const enter = (engine: TestEngine, ref: string, name = 'ada/coffee') =>
  engine.client.call('share.push', {
    ref,
    to: `${registry.host}/${name}`,
    licence: 'CC0-1.0',
    catalogue: { place, name },
  })
const browse = (query = '') => bob.client.call('share.browse', { place, query })

describe('the catalogue that came with the app', () => {
  it('lists cartridges that open with the starter models as they are, and answer as it says', async () => {
    const { entries } = await bob.client.call('share.browse', { place: 'shipped' })
    expect(entries.length).toBeGreaterThanOrEqual(4)
    for (const { name, from, link, packetId, modelInstalled, questions, publisher, ...offer } of entries) {
      expect([name, modelInstalled]).toEqual([name, true])
      const review = await bob.client.call('packets.review', { from, link })
      expect(review).toMatchObject({
        packetId,
        from,
        notFromTexts: null,
        made: { op: 'create' },
        secrets: [],
        refusedReferrers: 0,
        storedBytes: offer.bytes,
        signer: publisher.keyid,
        tokens: offer.tokens,
        card: offer.card,
      })
      expect(review.signedBy).not.toBeNull()
      expect(questions.length).toBeGreaterThanOrEqual(5)
      const entry = { catalogue: 'shipped', name }
      const { cartridge } = await bob.client.call('packets.import', { from, link, packetId, trust: true, entry })
      expect(cartridge).toMatchObject({ packetId, bytes: offer.bytes, trust: 'trusted' })
      for (const { question, answer } of questions.slice(0, 2)) {
        const asked = { ref: packetId, delta: question, chat: true, persist: 'memory' } as const
        expect(isAnswer((await bob.client.call('packets.infer', asked)).output, answer)).toBe(true)
      }
    }
    const after = await bob.client.call('share.browse', { place: 'shipped' })
    expect(after.entries.map(({ here }) => here?.isOlder)).toEqual(entries.map(() => false))
  })

  it('is signed, and any change of it is noticed', async () => {
    const bytes = await readFile(join(ASSETS, 'catalogue', 'catalogue.json'))
    const { catalogue, keyid } = await openCatalogue(bytes)
    expect(catalogue.entries.map(({ publisher }) => publisher.keyid)).toEqual(catalogue.entries.map(() => keyid))
    const envelope = JSON.parse(bytes.toString())
    const changed = JSON.stringify({ ...catalogue, title: 'Another' })
    const forged = { ...envelope, payload: Buffer.from(changed).toString('base64') }
    await expect(openCatalogue(Buffer.from(JSON.stringify(forged)))).rejects.toMatchObject({ code: 'E_BAD_SIGNATURE' })
    for (const junk of ['', '{}', '[]', JSON.stringify({ ...envelope, payloadType: 'text/plain' })])
      await expect(openCatalogue(Buffer.from(junk))).rejects.toMatchObject({ code: 'E_BAD_FORMAT' })
  })

  it('is searched by every word of what it says', async () => {
    const find = async (query: string) =>
      (await ada.client.call('share.browse', { place: 'shipped', query })).entries.map(({ name }) => name)
    expect(await find('GRETA garden')).toEqual(['studio/allotment-garden'])
    expect(await find('mamba')).toEqual(['studio/bakery-counter'])
    expect(await find('garden ferry')).toEqual([])
  })
})

describe('a catalogue in a registry', () => {
  it('is made with its first cartridge, whose questions were really asked', async () => {
    await enter(ada, first)
    expect(await bob.client.call('share.addCatalogue', { place })).toEqual({ place, title: place })
    const { entries } = await browse()
    expect(entries).toHaveLength(1)
    expect(entries[0]).toMatchObject({
      ...{ name: 'ada/coffee', packetId: first, licence: 'CC0-1.0', modelInstalled: true, here: null, link: false },
      publisher: { name: 'ada', keyid: ada.engine.state.keys.current.keyid },
      questions: [{ question: 'Who is the manager of Harbor Coffee?', answer: 'Lena Ortiz.' }],
    })
    expect((await bob.client.call('share.catalogues', {})).catalogues.map(one => one.place)).toEqual(['shipped', place])
  })

  it('leads to the cartridge beside it, and shows a newer one as its update', async () => {
    const [entry] = (await browse()).entries
    if (entry === undefined) throw new Error('nothing is listed')
    const { from, link, packetId, name } = entry
    const taken = { from, link, packetId, entry: { catalogue: place, name } }
    expect((await bob.client.call('packets.import', taken)).cartridge.trust).toBe('restricted')
    expect((await browse()).entries[0]?.here).toEqual({ packetId: first, isOlder: false })
    const merged = await ada.client.call('packets.merge', {
      ref: first,
      delta: '\nThe gate is 3.\n',
      name: 'Coffee, more',
    })
    await enter(ada, merged.cartridge.packetId)
    const [newer, ...more] = (await browse()).entries
    expect([newer?.packetId, newer?.here, more]).toEqual([
      merged.cartridge.packetId,
      { packetId: first, isOlder: true },
      [],
    ])
    await expect(bob.client.call('packets.import', { ...taken, from: newer?.from ?? '' })).rejects.toMatchObject({
      code: 'E_CONFLICT',
    })
  })

  it('is changed by its owner alone, and nothing leaves before that is known', async () => {
    const { text } = await bundledText('card-contract')
    const made = await bob.client.call('packets.create', {
      model: 'starter-transformer',
      sources: [{ text }],
      name: 'Mine',
    })
    const before = registry.tags.size
    await expect(enter(bob, made.cartridge.packetId, 'bob/mine')).rejects.toMatchObject({ code: 'E_FORBIDDEN' })
    expect(registry.tags.size).toBe(before)
  })

  it('is not shown when another key signs it, or an older one is served again', async () => {
    const genuine = registry.tags.get('ada/catalogue:latest') ?? ''
    const { catalogue } = await openCatalogue(await signedIn(registry, genuine))
    serve(registry, genuine, signCatalogue({ ...catalogue, version: 99 }, bob.engine.state.keys))
    await expect(browse()).rejects.toMatchObject({ code: 'E_BAD_SIGNATURE' })
    serve(registry, genuine, signCatalogue({ ...catalogue, version: 1 }, ada.engine.state.keys))
    await expect(browse()).rejects.toMatchObject({ code: 'E_CONFLICT' })
    registry.intercept = () => false
    await browse()
  })

  it('hides a blocked publisher until that is taken back', async () => {
    const { keyid } = ada.engine.state.keys.current
    await bob.client.call('share.block', { keyid, name: 'ada', blocked: true })
    expect(await browse()).toMatchObject({ entries: [], hidden: 1 })
    expect((await bob.client.call('share.catalogues', {})).blocked).toEqual([{ keyid, name: 'ada' }])
    await bob.client.call('share.block', { keyid, name: 'ada', blocked: false })
    expect((await browse()).entries).toHaveLength(1)
  })

  it('names strangers’ addresses as links, which lead to the internet only', async () => {
    const genuine = registry.tags.get('ada/catalogue:latest') ?? ''
    const { catalogue } = await openCatalogue(await signedIn(registry, genuine))
    const entries = catalogue.entries.map(entry => ({ ...entry, from: `${registry.host}/ada/coffee` }))
    serve(registry, genuine, signCatalogue({ ...catalogue, version: 100, entries }, ada.engine.state.keys))
    const [entry] = (await browse()).entries
    expect(entry?.link).toBe(true)
    registry.requests.length = 0
    await expect(
      bob.client.call('packets.review', { from: entry?.from ?? '', link: entry?.link ?? false }),
    ).rejects.toMatchObject({ code: 'E_NETWORK' })
    expect(registry.requests).toEqual([])
    registry.intercept = () => false
  })

  it('is removed', async () => {
    expect(await bob.client.call('share.removeCatalogue', { place })).toEqual({ removed: true })
    await expect(browse()).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
  })
})

async function signedIn({ blobs }: TestRegistry, manifest: string): Promise<Buffer> {
  const { layers } = JSON.parse(blobs.get(manifest)?.toString() ?? '')
  return blobs.get(layers[0].digest) ?? Buffer.of()
}

/** Answers with this catalogue in the place of the one that was pushed. */
function serve(registry: TestRegistry, genuine: string, bytes: Uint8Array): void {
  const manifest = JSON.parse(registry.blobs.get(genuine)?.toString() ?? '')
  const content = Buffer.from(bytes)
  const digest = sha256(content)
  const changed = { ...manifest, layers: [{ ...manifest.layers[0], digest, size: content.length }] }
  registry.intercept = (_, response, path) => {
    if (path === '/v2/ada/catalogue/manifests/latest') response.writeHead(200).end(JSON.stringify(changed))
    else if (path.endsWith(digest)) response.writeHead(200).end(content)
    else return false
    return true
  }
}
