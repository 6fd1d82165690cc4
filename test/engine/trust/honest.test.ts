/** Every honest kind of cartridge recomputes in another library, from its texts on, and is then trusted by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPacket } from '#engine/packets/packet.ts'
import { exported, openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

let here: TestEngine
let there: TestEngine
beforeAll(async () => {
  here = await openTestEngine()
  there = await openTestEngine()
})
afterAll(async () => {
  await here.close()
  await there.close()
})

const FACTS = 'Facts:\nThe manager of Harbor Coffee is Lena Ortiz.\nMira has a red parrot named Pico.\n'
const MORE = 'The tea of Tolan is green.\nOskar sells salt.\n'

/** Makes a cartridge and gives its packet_id. */
type Make = (model: string) => Promise<string>

async function create(model: string, input: Record<string, unknown> = {}): Promise<string> {
  const made = await here.client.call('packets.create', {
    model,
    sources: [{ name: 'facts.txt', text: FACTS }],
    ...input,
  })
  return made.cartridge.packetId
}

async function merge(ref: string, delta: string, seam: 'exact' | 'concat' = 'exact'): Promise<string> {
  return (await here.client.call('packets.merge', { ref, delta, seam })).cartridge.packetId
}

async function infer(ref: string, input: { delta: string; keepOutput?: boolean; maxNewTokens?: number }) {
  return (await here.client.call('packets.infer', { ref, maxNewTokens: 6, ...input })).newPacketId ?? ''
}

const question = questionDelta('Who is the manager of Harbor Coffee?')

const LONG = 'a part of a long text'

const kinds: Record<string, Make> = {
  created: model => create(model),
  'created from several texts': model =>
    create(model, {
      sources: [
        { name: 'a', text: FACTS },
        { name: 'b', text: MORE },
        { name: 'a', text: FACTS },
      ],
    }),
  'with a system prompt': model => create(model, { systemPrompt: 'Answer in one word.' }),
  'rendered through the chat template, with a system prompt': model =>
    create(model, { template: true, systemPrompt: 'Answer in one word.' }),
  'with control tokens that are meant in one text': async model => {
    const meant = { ref: await create(model), delta: 'Oskar <|endoftext|>sells', controlTokens: 'control' as const }
    const { cartridge } = await here.client.call('packets.merge', meant)
    return merge(cartridge.packetId, ' salt, says <|endoftext|>.\n')
  },
  'a conversation that begins with a system prompt': async model => {
    const turn = { chat: true, keepOutput: true, maxNewTokens: 4 }
    const begun = { ...turn, model, system: 'Never say <|endoftext|>.', delta: 'Who are you?' }
    const { newPacketId } = await here.client.call('packets.infer', begun)
    const asked = { ...turn, ref: newPacketId ?? '', delta: 'And then?' }
    return (await here.client.call('packets.infer', asked)).newPacketId ?? ''
  },
  'a conversation': async model => {
    const ref = await create(model, { template: true })
    const ask = { ref, maxNewTokens: 6, compare: false }
    const first = await here.client.call('ask.ask', { ...ask, question: 'Who has a parrot?' })
    const second = await here.client.call('ask.ask', {
      ...ask,
      parentId: first.step?.id,
      question: 'What is its name?',
    })
    return second.step?.packetId ?? ''
  },
  'cut to its first tokens': model => create(model, { firstTokens: 17 }),
  'with State Pack’s own seam': model => create(model, { seam: 'concat' }),
  merged: async model => merge(await merge(await create(model), MORE), 'Anders likes noodles.\n'),
  'merged with State Pack’s own seam': async model => merge(await create(model), MORE, 'concat'),
  'merged with nothing, so that the tail is read': async model => merge(await create(model), ''),
  'asked, the answer not kept': async model => infer(await create(model), { delta: question }),
  'asked, the answer kept': async model => infer(await create(model), { delta: question, keepOutput: true }),
  'asked twice and merged': async model => {
    const once = await infer(await create(model), { delta: question, keepOutput: true })
    return merge(await infer(once, { delta: `\n${question}`, keepOutput: true }), MORE)
  },
  'continued without a question': async model => infer(await create(model), { delta: '', keepOutput: true }),
  compacted: async model => {
    const chain = await merge(await create(model, { systemPrompt: `Be brief, ${model}.` }), MORE)
    const { created } = await here.client.call('packets.compact', { ref: chain, dropSteps: [1] })
    return created.cartridge.packetId
  },
  composed: async model => {
    const refs = [await create(model), await create(model, { sources: [{ name: 'more', text: MORE }] })]
    return (await here.client.call('remix.compose', { refs })).cartridge.packetId
  },
  [LONG]: async model => {
    // Beyond the context of the smallest model, so that it is really cut.
    const text = Array.from({ length: 150 }, (_, i) => `The code of the door ${i} is ${i * 977}.`).join('\n')
    const { parts } = await here.client.call('packets.createSplit', { model, sources: [{ name: 'long', text }] })
    expect(parts.length).toBeGreaterThan(1)
    return parts.at(-1)?.cartridge.packetId ?? ''
  },
}

async function carry(packetId: string): Promise<void> {
  const bytes = await exported(here.client, { ref: packetId })
  const { cartridge } = await there.client.call('packets.import', {}, { upload: [new Uint8Array(bytes)] })
  expect(cartridge).toMatchObject({ packetId, trust: 'restricted' })
}

async function expectProven(packetId: string): Promise<void> {
  await carry(packetId)
  const verified = await there.client.call('packets.verify', { ref: packetId, level: 'recomputed' })
  expect(verified).toMatchObject({ ok: true, level: 'recomputed', unprovenTokens: 0 })
  expect((await there.client.call('library.get', { ref: packetId })).summary.trust).toBe('trusted')
  await there.client.call('library.delete', { packetIds: [packetId as never] })
}

describe('on a transformer', () => {
  it.each(Object.entries(kinds))('%s', async (_, make) => {
    await expectProven(await make('starter-transformer'))
  })
})

/** Grown in an engine that has nothing in memory of before: every step goes on from numbers that were rounded. */
describe.each(['int8', 'float8_e4m3'] as const)('stored as %s', dtype => {
  it.each(['starter-transformer', 'starter-mamba'])('grown from what was stored, on %s', async model => {
    const base = await create(model, { dtype, systemPrompt: `Be brief, ${dtype}.` })
    const grown = await merge(
      await infer(await merge(base, MORE), { delta: question, keepOutput: true }),
      MORE.repeat(5),
    )
    const { blobs } = here.engine.state.store
    const { cache, tokens } = (await readPacket(blobs, grown as never)).config
    expect(cache.rounded).toHaveLength(3)
    expect(cache.rounded?.at(-1)).toBeLessThan(tokens.count)
    await expectProven(base)
    await expectProven(grown)
  })

  it('gone on from the blocks of another text', async () => {
    const model = 'starter-transformer'
    const long = FACTS.repeat(6)
    await create(model, { dtype, sources: [{ name: 'a', text: `${long}${MORE}` }] })
    const input = { model, dtype, sources: [{ name: 'b', text: `${long}Anders likes noodles.\n` }] }
    const { cartridge, reused } = await here.client.call('packets.create', input)
    expect(reused?.tokens).toBeGreaterThan(0)
    expect((reused?.tokens ?? 1) % 64).toBe(0)
    await expectProven(cartridge.packetId)
  })
})

// A recurrent model takes the same way for all of them; it is slower to read. No text is too long for it, so none is cut.
describe('on a recurrent model', () => {
  const all = Object.keys(kinds).filter(kind => kind !== LONG)
  const some = process.env.DEEP ? all : ['created', 'asked twice and merged']
  it.each(some)('%s', async kind => {
    await expectProven(await (kinds[kind] ?? create)('starter-mamba'))
  })
})

it('a mix, where its parents are, and what was read after mixing', async () => {
  const model = 'starter-mamba'
  const parents = [await create(model), await create(model, { sources: [{ name: 'more', text: MORE }] })]
  for (const parent of parents) {
    await carry(parent)
    await there.client.call('packets.verify', { ref: parent, level: 'recomputed' })
  }
  const { cartridge } = await here.client.call('remix.mix', {
    parents: parents.map((ref, place) => ({ ref, weight: (place + 1) / 3 })),
  })
  const grown = await merge(cartridge.packetId, 'Anders likes noodles.\n')
  expect(grown).not.toBe(cartridge.packetId)
  await expectProven(cartridge.packetId)
  await expectProven(grown)
})

it('a mix of states that were stored rounded', async () => {
  const model = 'starter-mamba'
  const parents = [
    await create(model, { dtype: 'int8' }),
    await create(model, { dtype: 'float16', sources: [{ name: 'more', text: MORE }] }),
  ]
  for (const parent of parents) {
    await carry(parent)
    await there.client.call('packets.verify', { ref: parent, level: 'recomputed' })
  }
  const { cartridge } = await here.client.call('remix.mix', { parents: parents.map(ref => ({ ref, weight: 0.5 })) })
  await expectProven(cartridge.packetId)
})

it('words that a sampler chose recompute, and are not taken for proven', async () => {
  const ref = await create('starter-transformer')
  const { newPacketId } = await here.client.call('packets.infer', {
    ref,
    delta: question,
    keepOutput: true,
    maxNewTokens: 12,
    sampling: { temperature: 3, topK: 0, topP: 1, seed: 7 },
  })
  await carry(newPacketId ?? '')
  const verified = await there.client.call('packets.verify', { ref: newPacketId ?? '', level: 'recomputed' })
  expect(verified.level).toBe('recomputed')
  expect(verified.unprovenTokens).toBeGreaterThan(0)
  expect((await there.client.call('library.get', { ref: newPacketId ?? '' })).summary.trust).toBe('restricted')
})

it.each(['int8', 'float8_e4m3'] as const)(
  'rounding to %s proves no word that the model would not have chosen',
  async dtype => {
    const ref = await create('starter-transformer', { dtype })
    const answer = { ref, delta: 'The red parrot and the manager', keepOutput: true, maxNewTokens: 2 }
    const { outputTokenIds: greedy } = await here.client.call('packets.infer', answer)
    const others = new Set<string>()
    for (let seed = 1; seed <= 12; seed++) {
      const sampling = { temperature: 2, topK: 2, topP: 1, seed }
      const { newPacketId, outputTokenIds } = await here.client.call('packets.infer', { ...answer, sampling })
      if (newPacketId !== null && outputTokenIds.join() !== greedy.join()) others.add(newPacketId)
    }
    expect(others.size).toBeGreaterThan(0)
    for (const packetId of others) {
      const verified = await here.client.call('packets.verify', { ref: packetId, level: 'recomputed' })
      expect(verified.unprovenTokens).toBeGreaterThan(0)
    }
  },
)
