import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mixStates } from '#engine/inference/mixStates.ts'
import { openState } from '#engine/packets/openState.ts'
import { readPacket, readSnapshot } from '#engine/packets/packet.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

const snapshot = async (packetId: Parameters<typeof readPacket>[1]) =>
  readSnapshot(test.engine.state.store.blobs, await readPacket(test.engine.state.store.blobs, packetId))

async function create(model: string, name: string) {
  const { title, text } = await bundledText(name)
  return (await test.client.call('packets.create', { model, sources: [{ name: title, text }] })).cartridge
}

describe('mixing recurrent states', () => {
  it('with weights 1/0 and 0/1 equals each parent bit for bit', async () => {
    const [a, b] = [await create('starter-mamba', 'card-station'), await create('starter-mamba', 'card-coffee')]
    for (const [wa, wb, parent] of [
      [1, 0, a],
      [0, 1, b],
    ] as const) {
      const { cartridge } = await test.client.call('remix.mix', {
        parents: [
          { ref: a.packetId, weight: wa },
          { ref: b.packetId, weight: wb },
        ],
      })
      expect((await snapshot(cartridge.packetId)).recurrent.map(({ conv, ssm }) => [conv, ssm])).toEqual(
        (await snapshot(parent.packetId)).recurrent.map(({ conv, ssm }) => [conv, ssm]),
      )
      await expect(
        test.client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed' }),
      ).resolves.toMatchObject({ level: 'recomputed' })
    }
  })

  it('says what its layers are, also where memory holds the same bytes as something else', async () => {
    const [base, other] = [await create('starter-mamba', 'card-station'), await create('starter-mamba', 'card-coffee')]
    // Neither has a card: empty bytes, as the mix has no tokens.
    await test.client.call('packets.infer', { ref: base.packetId, delta: 'Q: Who?\nA:', persist: 'memory' })
    const { cartridge } = await test.client.call('remix.mix', {
      parents: [
        { ref: base.packetId, weight: 0.3 },
        { ref: other.packetId, weight: 0.7 },
      ],
    })
    expect((await test.client.call('packets.verify', { ref: cartridge.packetId, level: 'intact' })).ok).toBe(true)
  })

  it('half and half keeps more of each parent than a stranger knows, and scores what was counted', async () => {
    const [a, b, stranger] = [
      await create('starter-mamba', 'card-station'),
      await create('starter-mamba', 'card-coffee'),
      await create('starter-mamba', 'card-contract'),
    ]
    const cards = [await bundledText('card-station'), await bundledText('card-coffee')] as const
    const questions = cards.flatMap(card => card.questions.map(([asked]) => asked))
    const parents = [a, b].map(({ packetId }) => ({ ref: packetId, weight: 0.5 }))
    const preview = await test.client.call('remix.preview', { parents, questions })
    const other = await test.client.call('remix.preview', {
      parents: [stranger, stranger].map(({ packetId }) => ({ ref: packetId, weight: 0.5 })),
      questions,
    })
    for (const [index, { kept, right }] of preview.kept.entries()) {
      // Counted again from the rows that are shown.
      const own = preview.answers.filter(row => row.parents[index]?.right)
      expect(right).toBe(own.length)
      expect(kept).toBe(own.filter(row => row.answer === row.parents[index]?.answer).length)
      // What it says of the other text is a guess, whether or not the mix says the same.
      const text = cards[index]?.text ?? ''
      const guesses = preview.answers.filter(
        row => !text.includes(row.parents[index]?.answer.replace(/\.$/, '') ?? text),
      )
      expect(guesses.filter(row => row.parents[index]?.right || row.parents[index]?.kept)).toEqual([])
      // Nor is what its text does say, in answer to a question about the other.
      const about = index === 0 ? cards[1].questions : cards[0].questions
      expect(own.filter(row => about.some(([asked]) => asked === row.question))).toEqual([])
      expect(right).toBeGreaterThan(0)
      const byStranger = own.filter(
        row => other.answers.find(o => o.question === row.question)?.answer === row.parents[index]?.answer,
      ).length
      console.log(
        `mix keeps ${kept} of ${right} right answers of parent ${index}, an unrelated cartridge ${byStranger}`,
      )
      expect(kept / right).toBeGreaterThan(byStranger / right)
    }
    expect(preview.kl).toBeGreaterThan(0)
  })

  it('is the weighted mean, value by value', async () => {
    const [a, b] = [await create('starter-mamba', 'card-station'), await create('starter-mamba', 'card-coffee')]
    const [x, y] = [await snapshot(a.packetId), await snapshot(b.packetId)]
    const mixed = mixStates([
      { state: x, weight: 3 },
      { state: y, weight: 1 },
    ])
    for (const [l, layer] of mixed.recurrent.entries()) {
      for (let i = 0; i < layer.ssm.length; i += 997) {
        const expected = 0.75 * (x.recurrent[l]?.ssm[i] ?? 0) + 0.25 * (y.recurrent[l]?.ssm[i] ?? 0)
        expect(layer.ssm[i]).toBeCloseTo(expected, 5)
      }
    }
  })
})

it('refuses to mix keys and values, and says what to do instead', async () => {
  const [a, b] = [
    await create('starter-transformer', 'card-station'),
    await create('starter-transformer', 'card-coffee'),
  ]
  const parents = [a, b].map(({ packetId }) => ({ ref: packetId, weight: 0.5 }))
  await expect(test.client.call('remix.mix', { parents })).rejects.toMatchObject({
    code: 'E_NOT_SUPPORTED',
    details: { instead: 'merge' },
  })
})

it('composes in the order given, into the context of the joined texts', async () => {
  const names = ['card-station', 'card-coffee'] as const
  const [a, b] = [await create('starter-transformer', names[0]), await create('starter-transformer', names[1])]
  const forth = await test.client.call('remix.compose', { refs: [a.packetId, b.packetId] })
  const back = await test.client.call('remix.compose', { refs: [b.packetId, a.packetId] })
  expect(forth.cartridge.contextId).not.toBe(back.cartridge.contextId)
  const [first, second] = [await bundledText(names[0]), await bundledText(names[1])]
  const created = await test.client.call('packets.create', {
    model: 'starter-transformer',
    sources: [first, second].map(({ title, text }) => ({ name: title, text })),
  })
  expect(created.cacheHit).toBe(true)
  expect(created.cartridge.contextId).toBe(forth.cartridge.contextId)
  const { nodes, edges } = await test.client.call('library.lineage', { ref: forth.cartridge.packetId })
  expect(
    edges
      .filter(edge => edge.child === forth.cartridge.packetId)
      .map(edge => edge.parent)
      .sort(),
  ).toEqual([a.packetId, b.packetId].sort())
  expect(nodes.find(node => node.packetId === a.packetId)?.present).toBe(true)
})

it('composes cartridges of a chat template: system prompts stand before, the template around, and turns are said to stay', async () => {
  const model = 'starter-transformer'
  const create = (text: string, systemPrompt?: string) =>
    test.client.call('packets.create', { model, sources: [{ name: text, text }], template: true, systemPrompt })
  const { cartridge: a } = await create('The goat of the mill is red.\n', 'Answer in one word.')
  const { cartridge: b } = await create('The tea of the mill is green.\n', 'Be polite.')
  const asked = await test.client.call('ask.ask', { ref: a.packetId, question: 'Which goat?', maxNewTokens: 3 })
  const talk = asked.step?.packetId ?? ''
  const composed = await test.client.call('remix.compose', { refs: [talk, b.packetId] })
  expect(composed.notes.join('\n')).toContain('one turn of a conversation')
  const { recipe } = await test.client.call('library.get', { ref: composed.cartridge.packetId })
  expect(recipe).toMatchObject({ template: true, systemPrompt: 'Answer in one word.\n\nBe polite.' })
  const inspected = await test.client.call('packets.inspect', { ref: composed.cartridge.packetId })
  for (const part of ['Answer in one word.', 'Be polite.', 'goat of the mill', 'tea of the mill'])
    expect(inspected.text).toContain(part)
  expect(inspected.text).not.toContain('Which goat?')
})

it('compacts a chain into the same context, and a shortened one into a new one that names what is gone', async () => {
  const base = await create('starter-transformer', 'card-contract')
  let ref = base.packetId
  for (const fact of [
    'The color of the gate is blue.\n',
    'The owner of the gate is Ada.\n',
    'The price of the gate is 90.\n',
  ]) {
    ref = (await test.client.call('packets.merge', { ref, delta: fact })).cartridge.packetId
  }
  const before = await openState(test.engine.state, ref)
  const same = await test.client.call('packets.compact', { ref })
  expect(same.stepsFolded).toBe(4)
  expect(same.created.cartridge.contextId).toBe(before.contextId)
  expect(same.bytesFreed).toBeGreaterThan(0)
  const shorter = await test.client.call('packets.compact', { ref: same.created.cartridge.packetId, dropSteps: [] })
  expect(shorter.created.cartridge.contextId).toBe(before.contextId)
})

it('looks inside: twelve components that match, tokens over the text, norms, values', async () => {
  const { packetId } = await create('starter-transformer', 'card-coffee')
  const inspected = await test.client.call('packets.inspect', { ref: packetId })
  expect(inspected.components).toHaveLength(12)
  expect(inspected.components.every(({ matches }) => matches === true)).toBe(true)
  expect(inspected.tokens.map(token => inspected.text.slice(token.start, token.end)).join('')).toBe(inspected.text)
  const state = await openState(test.engine.state, packetId)
  const map = await test.client.call('packets.heatmap', { ref: packetId, tensor: 'key' })
  expect([map.rows, map.columns]).toEqual([16, state.tokens.length])
  const cell = await test.client.call('packets.tensor', {
    ref: packetId,
    tensor: 'key',
    layer: 2,
    head: 1,
    position: 70,
  })
  expect(cell.shape).toEqual([32])
  const norm = Math.hypot(...cell.values)
  expect(map.values[(2 * 4 + 1) * map.columns + 70]).toBeCloseTo(norm, 4)
  const miss = await test.client.call('packets.whyMiss', {
    model: 'starter-transformer',
    text: `${(await bundledText('card-coffee')).text.slice(0, 60)}Something else.`,
  })
  expect(miss.best?.commonTokens).toBeGreaterThan(10)
  expect(miss.best?.prompt).toContain('Something')
  expect(miss.best?.hit).toBe(false)
  const proof = await test.client.call('packets.prove', {
    ref: packetId,
    delta: '\nQuestion: What does Anders like?\nAnswer:',
    outputTokenIds: [],
  })
  expect(proof.maxAbsDiff).toBeLessThan(0.05)
  expect(proof.sameTopToken).toBe(true)
})
