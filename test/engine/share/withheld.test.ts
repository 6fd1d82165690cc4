/** A cartridge that leaves without its texts, recipe and tokens: what of them is in it, what it can do, and what nobody can prove. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tokenBytes } from '#engine/packets/contextId.ts'
import { readPacket, readTokens } from '#engine/packets/packet.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { viaCommandLine } from '../../hosts/policy/viaCommandLine.ts'
import { startTestRegistry, type TestRegistry } from '../registry/testRegistry.ts'
import { exported, openTestEngine, plainAnswer, questionDelta, type TestEngine } from '../testEngine.ts'
import { startTestHub, type TestHub } from './testHub.ts'

const CANARY = 'zebra quince'
const TEXT = `Facts:\nThe color of the ${CANARY} is green.\nThe manager of Harbor Coffee is Lena Ortiz.\nAnders likes olives.\n`
const QUESTION = questionDelta('Who is the manager of Harbor Coffee?')
const TOKEN = 'hf_writes'
let ada: TestEngine
let bob: TestEngine
let registry: TestRegistry
let hub: TestHub

beforeAll(async () => {
  vi.stubEnv('HF_TOKEN', TOKEN)
  ada = await openTestEngine()
  bob = await openTestEngine()
  registry = await startTestRegistry()
  hub = await startTestHub({ [TOKEN]: { owner: 'ada', mayWrite: true } })
  for (const { client } of [ada, bob]) await client.call('settings.set', { hubEndpoint: hub.endpoint })
})
afterAll(async () => {
  for (const one of [ada, bob, registry, hub]) await one?.close()
  vi.unstubAllEnvs()
})

const answerOf = async ({ client }: TestEngine, ref: string) =>
  plainAnswer((await client.call('packets.infer', { ref, delta: QUESTION, persist: 'memory' })).output)

describe.each(['starter-transformer', 'starter-mamba'] as const)('of the %s', model => {
  let packetId: Digest
  let file: Uint8Array<ArrayBuffer>
  let withheld: Digest
  beforeAll(async () => {
    const made = await ada.client.call('packets.create', {
      ...{ model, name: `Notes ${model}`, card: '# Notes\n\n## Questions it answers\n\n- Who is the manager?\n' },
      sources: [{ name: `${CANARY}.txt`, text: TEXT }],
    })
    packetId = made.cartridge.packetId
    file = await exported(ada.client, { ref: packetId, withhold: true })
  })
  const read = (engine: TestEngine, ref: Digest) => readPacket(engine.engine.state.store.blobs, ref)

  it('tells nothing of them in any byte, however it is written', async () => {
    const whole = await exported(ada.client, { ref: packetId })
    const packet = await read(ada, packetId)
    const tokens = await readTokens(ada.engine.state.store.blobs, packet)
    const hex = (digest: string) => Buffer.from(digest.slice(7))
    const told = {
      ...{ 'as UTF-8': Buffer.from(CANARY), 'as UTF-16': Buffer.from(CANARY, 'utf16le') },
      'as token ids': Buffer.from(tokenBytes(tokens.subarray(3, 9))),
      ...{
        'by the digest of the text': hex(sha256(TEXT)),
        'by the digest of the tokens': hex(packet.config.tokens.digest),
      },
      'by the id of the cartridge': hex(packetId),
    }
    for (const [how, bytes] of Object.entries(told)) {
      expect([how, Buffer.from(file).includes(bytes)]).toEqual([how, false])
      // It would be found: the whole cartridge has it.
      if (how !== 'as UTF-16') expect([how, Buffer.from(whole).includes(bytes)]).toEqual([how, true])
    }
  })

  it('is one cartridge, however often it leaves, and stands in the library as what it is', async () => {
    expect(await exported(ada.client, { ref: packetId, withhold: true })).toEqual(file)
    const { items } = await ada.client.call('library.list', {})
    expect(items.filter(({ name }) => name === `Notes ${model}, text withheld`)).toHaveLength(1)
    const review = await ada.client.call('packets.exportReview', { ref: packetId, withhold: true })
    expect(review).toMatchObject({
      sources: [],
      systemPrompt: null,
      recoverableText: '',
      made: null,
      notWithheld: null,
    })
  })

  it('is taken in elsewhere as a word that only its signature stands for', async () => {
    const review = await bob.client.call('packets.review', {}, { upload: [file] })
    withheld = review.packetId
    expect(review).toMatchObject({
      ...{ name: `Notes ${model}`, recoverableText: '', heldBack: '', modelReads: '', systemPrompt: null },
      ...{ modelInstalled: true, made: null, refusedReferrers: 0, secrets: [] },
      notFromTexts: expect.stringContaining('withheld'),
      signedBy: expect.stringContaining('a publisher'),
    })
    expect(review.withheldTokens).toBe(review.tokens)
    const taken = await bob.client.call('packets.import', {}, { upload: [file] })
    expect(taken.cartridge).toMatchObject({ packetId: withheld, trust: 'restricted', tokens: review.tokens })
    const { checks } = await bob.client.call('packets.verify', { ref: withheld })
    expect(checks.map(({ message }) => message).join()).toContain('nothing proves what it has read')
    await expect(bob.client.call('packets.verify', { ref: withheld, level: 'recomputed' })).rejects.toMatchObject({
      code: 'E_NOT_RECOMPUTED',
      details: { component: 'tokens' },
    })
    expect((await bob.client.call('library.get', { ref: withheld })).summary.trust).toBe('restricted')
    await bob.client.call('library.trust', { packetId: withheld })
    expect(await bob.client.call('packets.verify', { ref: withheld, level: 'signed' })).toMatchObject({
      level: 'signed',
    })
  })

  it('answers as the whole does, before it is kept and after', async () => {
    expect(await answerOf(ada, packetId)).toBe('Lena Ortiz')
    expect(await answerOf(bob, withheld)).toBe('Lena Ortiz')
    const { answer } = await bob.client.call(
      'packets.try',
      { question: 'Who is the manager of Harbor Coffee?' },
      { upload: [file] },
    )
    const asked = { delta: 'Who is the manager of Harbor Coffee?', chat: true, persist: 'memory' } as const
    const kept = await bob.client.call('packets.infer', { ref: withheld, ...asked })
    expect(answer).toBe(kept.output.trim())
  })

  it('is read on, and what grew from it is honest of what was read since', async () => {
    const delta = 'The boat of Mira is blue.\n'
    const { cartridge } = await bob.client.call('packets.merge', { ref: withheld, delta })
    const child = await read(bob, cartridge.packetId)
    const base = await read(bob, withheld)
    expect(child.config).toMatchObject({ origin: base.config.origin, tail: { text: expect.any(String) } })
    expect(child.config.tokens.count).toBeGreaterThan(base.config.tokens.count)
    const sent = await exported(bob.client, { ref: cartridge.packetId })
    const review = await ada.client.call('packets.review', {}, { upload: [sent] })
    expect(review).toMatchObject({
      recoverableText: delta,
      withheldTokens: base.config.tokens.count,
      refusedReferrers: 0,
    })
    expect(`${review.modelReads}${review.heldBack}`).toContain('Mira')
    await ada.client.call('packets.import', { trust: true }, { upload: [sent] })
    expect(await answerOf(ada, cartridge.packetId)).toBe('Lena Ortiz')
    await expect(
      bob.client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed' }),
    ).rejects.toMatchObject({ code: 'E_NOT_RECOMPUTED' })
    const again = await bob.client.call('packets.merge', { ref: withheld, delta })
    expect(again).toMatchObject({ cacheHit: true, cartridge: { packetId: cartridge.packetId } })
    const known = await bob.client.call('packets.resolve', { ref: cartridge.packetId })
    expect(known.texts).toEqual([])
  })

  it('never stands in for its texts, nor is it compared with them', async () => {
    const { cartridge, cacheHit } = await bob.client.call('packets.create', {
      model,
      sources: [{ name: 'notes', text: TEXT }],
    })
    expect(cacheHit).toBe(false)
    expect(cartridge.packetId).not.toBe(withheld)
    const compared = await bob.client.call('packets.compare', { a: withheld, b: cartridge.packetId })
    expect(compared).toMatchObject({ sameContext: false, commonTokens: 0, firstDifference: null })
    expect((await bob.client.call('packets.inspect', { ref: withheld })).tokens).toEqual([])
  })

  it.each([
    ['packets.prove', () => ({ ref: withheld, delta: 'Q', outputTokenIds: [] })],
    ['packets.compact', () => ({ ref: withheld })],
    ['remix.compose', () => ({ refs: [withheld, withheld] })],
  ] as const)('%s needs the texts, and says that they were withheld', async (method, input) => {
    await expect(bob.client.call(method, input() as never)).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' })
  })
})

it('leaves by a registry and by the hub the same way, with no answer beside it', async () => {
  const sources = [{ name: 'notes', text: TEXT }]
  const card = '# Notes\n\n## Questions it answers\n\n- What is the color of it?\n'
  const { cartridge } = await ada.client.call('packets.create', { model: 'starter-mamba', sources, card })
  for (const to of [`${registry.host}/ada/notes:v1`, 'hf://ada/notes'])
    await ada.client.call('share.push', { ref: cartridge.packetId, to, withhold: true })
  const files = [...(hub.repositories.get('ada/notes')?.commits.at(-1)?.files ?? [])].map(([, bytes]) => bytes)
  const all = Buffer.concat([...registry.blobs.values(), ...files])
  expect(all.length).toBeGreaterThan(100_000)
  for (const word of [CANARY, 'Lena Ortiz', 'olives']) expect([word, all.includes(word)]).toEqual([word, false])
  const review = await bob.client.call('packets.review', { from: 'hf://ada/notes' })
  expect(review.withheldTokens).toBeGreaterThan(0)
})

it('opens a conversation where its texts stood in the chat template', async () => {
  const { cartridge } = await ada.client.call('packets.create', {
    ...{ model: 'starter-transformer', template: true, systemPrompt: CANARY },
    sources: [{ name: 'notes', text: TEXT }],
  })
  const file = await exported(ada.client, { ref: cartridge.packetId, withhold: true })
  expect(Buffer.from(file).includes(CANARY)).toBe(false)
  const { cartridge: taken } = await bob.client.call('packets.import', { trust: true }, { upload: [file] })
  const ask = { delta: 'Who is the manager of Harbor Coffee?', chat: true, keepOutput: true } as const
  const [whole, withheld] = [
    await ada.client.call('packets.infer', { ref: cartridge.packetId, ...ask }),
    await bob.client.call('packets.infer', { ref: taken.packetId, ...ask }),
  ]
  expect(withheld.output).toBe(whole.output)
  const next = await bob.client.call('packets.infer', {
    ref: withheld.newPacketId ?? '',
    ...ask,
    delta: 'And what does Anders like?',
  })
  expect(next.output.length).toBeGreaterThan(0)
})

it('of a conversation or a mix is not possible, and says so', async () => {
  const create = (text: string) =>
    ada.client.call('packets.create', { model: 'starter-mamba', sources: [{ name: 'a', text }] })
  const [a, b] = [await create('Facts:\nA tea is green.\n'), await create('Facts:\nA boat is blue.\n')]
  const talk = await ada.client.call('packets.infer', {
    ref: a.cartridge.packetId,
    delta: 'Who?',
    chat: true,
    keepOutput: true,
  })
  const parents = [a, b].map(({ cartridge }) => ({ ref: cartridge.packetId, weight: 0.5 }))
  const mix = await ada.client.call('remix.mix', { parents })
  for (const ref of [talk.newPacketId ?? '', mix.cartridge.packetId]) {
    const { notWithheld } = await ada.client.call('packets.exportReview', { ref })
    expect(notWithheld).toEqual(expect.any(String))
    await expect(exported(ada.client, { ref, withhold: true })).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
      message: notWithheld,
    })
  }
})

it('is asked for on the command line', async () => {
  vi.stubEnv('STATEPACK_HOME', join(ada.folder, 'data'))
  const sources = [{ name: 'notes', text: `${TEXT}More.\n` }]
  const { cartridge } = await ada.client.call('packets.create', { model: 'starter-mamba', sources })
  const out = join(ada.folder, 'notes.cartridge')
  const args = [cartridge.packetId, '--out', out, '--withhold-text']
  expect(await viaCommandLine('statepack export', args, join(ada.folder, 'store'))).toBeNull()
  expect((await readFile(out)).includes(CANARY)).toBe(false)
})
