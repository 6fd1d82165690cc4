import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { readPacket } from '#engine/packets/packet.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import { COMPONENTS } from '#shared/domain/component.ts'
import { CARTRIDGE_CONFIG, LAYER_TYPES } from '#shared/domain/oci.ts'
import { bundledText, exported, openTestEngine, type TestEngine } from '../testEngine.ts'
import { putTogether, replaceLayers, takeApart, utf8 } from '../trust/forgery.ts'

const model = 'starter-transformer'
let here: TestEngine
let there: TestEngine
let file: Uint8Array<ArrayBuffer>
let packetId: `sha256:${string}`
beforeAll(async () => {
  here = await openTestEngine()
  there = await openTestEngine()
  const { text, title } = await bundledText('card-station')
  const { cartridge } = await here.client.call('packets.create', { model, sources: [{ name: title, text }] })
  packetId = cartridge.packetId as typeof packetId
  file = await exported(here.client, { ref: cartridge.packetId })
})
afterAll(async () => {
  await here.close()
  await there.close()
})

const question = '\nQuestion: Who is the captain of Halcyon?\nAnswer:'

describe('a cartridge on its way', () => {
  it('exports the same bytes each time, and comes home as its own', async () => {
    const again = await exported(here.client, { ref: packetId })
    expect(Buffer.compare(again, file)).toBe(0)
    const back = await here.client.call('packets.import', {}, { upload: [file] })
    expect(back).toMatchObject({ duplicate: true, cartridge: { trust: 'own' } })
  })

  it('is looked at before anything is written: text, publisher, model', async () => {
    const before = await there.files()
    const review = await there.client.call('packets.review', {}, { upload: [file] })
    expect(review).toMatchObject({ packetId, modelInstalled: true, duplicate: false, tokens: expect.any(Number) })
    expect(review.recoverableText).toBe((await bundledText('card-station')).text)
    expect(review.signedBy).toContain('seen for the first time')
    expect(await there.files()).toEqual(before)
  })

  it('is restricted until it is trusted; trusting it trusts its publisher', async () => {
    const { cartridge } = await there.client.call('packets.import', {}, { upload: [file] })
    expect(cartridge.trust).toBe('restricted')
    const ref = packetId
    for (const attempt of [
      () => there.client.call('packets.infer', { ref, delta: question }),
      () => there.client.call('packets.merge', { ref, delta: 'More.\n' }),
      () => there.client.call('packets.export', { ref }),
      () => there.client.call('ask.ask', { ref, question: 'Who?' }),
      () =>
        there.client.call('remix.mix', {
          parents: [
            { ref, weight: 1 },
            { ref, weight: 1 },
          ],
        }),
      () => there.client.call('remix.compose', { refs: [ref] }),
      () => there.client.call('packets.compact', { ref }),
      () => there.client.call('packets.prove', { ref, delta: question, outputTokenIds: [] }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'E_RESTRICTED' })
    }
    await expect(there.client.call('packets.inspect', { ref })).resolves.toMatchObject({
      summary: { trust: 'restricted' },
    })
    await expect(there.client.call('packets.verify', { ref, level: 'signed' })).rejects.toMatchObject({
      code: 'E_BAD_SIGNATURE',
    })
    await there.client.call('library.trust', { packetId: cartridge.packetId })
    const [a, b] = await Promise.all(
      [here, there].map(({ client }) => client.call('packets.infer', { ref, delta: question })),
    )
    expect(b?.outputTokenIds).toEqual(a?.outputTokenIds)
    await expect(there.client.call('packets.verify', { ref, level: 'signed' })).resolves.toMatchObject({
      level: 'signed',
    })
  })

  it('is freed by recomputing it, too', async () => {
    const third = await openTestEngine()
    try {
      await third.client.call('packets.import', {}, { upload: [file] })
      await third.client.call('packets.verify', { ref: packetId, level: 'recomputed' })
      await expect(third.client.call('packets.infer', { ref: packetId, delta: question })).resolves.toMatchObject({
        output: expect.stringMatching(/\w/),
      })
    } finally {
      await third.close()
    }
  })

  it('takes the name it is given, and a numbered one when that is taken', async () => {
    const other = await openTestEngine()
    try {
      const name = 'Notes'
      await other.client.call('packets.create', { model, sources: [{ text: 'Facts:\nOskar sells salt.\n' }], name })
      const { cartridge } = await other.client.call('packets.import', { name }, { upload: [file] })
      expect(cartridge.name).toBe(`${name} (2)`)
      const again = await other.client.call('packets.import', { name: 'Another' }, { upload: [file] })
      expect(again).toMatchObject({ duplicate: true, cartridge: { name: `${name} (2)` } })
    } finally {
      await other.close()
    }
  })

  it('is refused after any changed byte, and leaves nothing behind', async () => {
    const fourth = await openTestEngine()
    try {
      const before = await fourth.files()
      const positions = process.env.DEEP ? 2000 : 60
      for (let i = 0; i < positions; i++) {
        const at = Math.floor(((i + 0.5) * file.byteLength) / positions)
        const changed = file.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << (i % 8))
        await expect(fourth.client.call('packets.import', {}, { upload: [changed] })).rejects.toMatchObject({
          code: expect.stringMatching(
            /^E_(BAD_FORMAT|CORRUPT|MISSING_BLOB|TOO_LARGE|BAD_DIGEST|UNSUPPORTED_VERSION|BAD_SIGNATURE)$/,
          ),
        })
      }
      expect(await fourth.files()).toEqual(before)
    } finally {
      await fourth.close()
    }
  })
})

it('refuses a recorded component that is not this cartridge’s or this model’s, by its name', async () => {
  const { state } = here.engine
  const packet = await readPacket(state.store.blobs, packetId as never)
  for (const { id } of COMPONENTS) {
    const components = packet.config.components.map(component =>
      component.id === id ? { id, status: 'bound' as const, digest: `sha256:${'0'.repeat(64)}` } : component,
    )
    const config = canonicalBytes({ ...packet.config, components })
    const elsewhere = await openTestEngine()
    try {
      const { store } = elsewhere.engine.state
      await elsewhere.client.call('packets.import', { trust: true }, { upload: [file] })
      // Stored beside the honest one, under a dtype name of its own, so that it is not taken for it.
      store.library.packets.remove([packetId as never], Date.now())
      const published = await store.publishPacket({
        config: newBlob(CARTRIDGE_CONFIG, config),
        layers: packet.manifest.layers,
      })
      await expect(
        elsewhere.client.call('packets.infer', { ref: published.packetId, delta: question }),
      ).rejects.toMatchObject({
        code: 'E_COMPONENT_MISMATCH',
        details: { component: id },
      })
    } finally {
      await elsewhere.close()
    }
  }
})

it('shows a model config that nests deeper than can be sent as the text that it is', async () => {
  const nested = '['.repeat(50_000) + ']'.repeat(50_000)
  const draft = takeApart(file)
  replaceLayers(draft, LAYER_TYPES.modelConfig, () => utf8(nested))
  const { cartridge } = await there.client.call('packets.import', {}, { upload: [putTogether(draft)] })
  const { modelConfig } = await there.client.call('packets.inspect', { ref: cartridge.packetId })
  expect(modelConfig).toBe(nested)
})
