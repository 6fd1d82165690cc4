/** One question to several cartridges: each of them, or the one that it is about. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { MOST_EACH } from '#shared/domain/slots.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

const MODEL = 'starter-transformer'
const COFFEE = 'What is the phone of Harbor Coffee?'
let test: TestEngine
let coffee: Digest
let goat: Digest
beforeAll(async () => {
  test = await openTestEngine()
  const { title, text } = await bundledText('card-coffee')
  coffee = await make('Coffee', { name: title, text })
  goat = await make('Goat', { name: 'Goat', text: 'Person Anders has a goat. The goat lives in Oslo.' })
})
afterAll(() => test.close())

async function make(name: string, source: { name: string; text: string }): Promise<Digest> {
  const { cartridge } = await test.client.call('packets.create', { model: MODEL, sources: [source], name })
  return parseDigest(cartridge.packetId)
}
const newId = () => crypto.randomUUID()
const get = (id: string) => test.client.call('conversations.get', { id })
const put = (conversationId: string, question: string, more: object = {}) =>
  test.client.call('ask.several', {
    ...{ conversationId, question, asking: 'each', of: [{ ref: coffee }, { ref: goat }], maxNewTokens: 8, ...more },
  })

it('asks each: the answers stand in one place, each with its tokens, its state and its receipt, and are gone on from', async () => {
  const id = newId()
  const pieces = new Map<string, string>()
  const { steps, failed } = await test.client.call(
    'ask.several',
    { conversationId: id, question: COFFEE, asking: 'each', of: [{ ref: coffee }, { ref: 'Goat' }], maxNewTokens: 8 },
    { onItem: ({ packetId, text }) => pieces.set(packetId, (pieces.get(packetId) ?? '') + text) },
  )
  expect(failed).toEqual([])
  const [first, second] = steps
  expect(steps.map(({ rootPacketId, besideId }) => [rootPacketId, besideId])).toEqual([
    [coffee, null],
    [goat, first?.id],
  ])
  expect(first?.answer).toContain('555-0142')
  expect(steps.map(({ answer }) => answer)).toEqual([coffee, goat].map(packetId => pieces.get(packetId)?.trim()))
  for (const { tokens } of steps) expect(tokens.saved).toBe(tokens.naive - tokens.processed)
  expect(new Set(steps.map(({ receiptId }) => receiptId)).size).toBe(2)
  const alone = await test.client.call('ask.ask', { ref: coffee, question: COFFEE, maxNewTokens: 8 })
  expect(alone.step.outputTokenIds).toEqual(first?.outputTokenIds)

  const view = await get(id)
  expect(view).toMatchObject({ slots: [coffee, goat], headId: first?.id, pending: null })
  expect(view.names).toEqual({ [coffee]: 'Coffee', [goat]: 'Goat' })
  const next = await put(id, 'Who is the manager of Harbor Coffee?', {
    of: [first, second].map(turn => ({ ref: turn?.rootPacketId, parentId: turn?.id })),
  })
  expect(next.steps.map(({ previousId }) => previousId)).toEqual([first?.id, first?.id])
  expect(next.steps.map(({ fromPacketId }) => fromPacketId)).toEqual([first?.packetId, second?.packetId])
  const { items } = await test.client.call('conversations.list', { slots: [coffee, goat] })
  expect(items).toMatchObject([{ id, turns: 2, cartridge: 'Coffee', others: 1 }])
  const { markdown } = await test.client.call('conversations.export', { id })
  expect(markdown.match(/^## .*$/gm)).toEqual([`## ${COFFEE}`, '## Who is the manager of Harbor Coffee?'])
  expect(markdown).toContain(second?.answer)
  // Going back to an answer beside goes back to its question.
  await test.client.call('conversations.save', { id, head: { id: second?.id ?? '' } })
  expect((await get(id)).headId).toBe(first?.id)
})

it('routes a question to the one that it is about, says why, and abstains', async () => {
  const id = newId()
  const { steps } = await put(id, COFFEE, { asking: 'route', of: [{ ref: goat }, { ref: coffee }] })
  expect(steps).toMatchObject([{ rootPacketId: coffee, besideId: null, routed: { among: 2 } }])
  const { routed } = steps[0] ?? {}
  expect(routed?.accountsFor).toBeGreaterThan(0.5)
  expect(routed?.others).toMatchObject([{ packetId: goat, name: 'Goat' }])
  expect(routed?.others[0]?.accountsFor).toBeLessThan(routed?.accountsFor ?? 0)
  expect(routed?.tokensProcessed).toBeGreaterThan(0)
  const strange = put(id, 'How tall is the lighthouse of Skagen?', { asking: 'route' })
  await expect(strange).rejects.toMatchObject({ code: 'E_NOT_FOUND', details: { among: 2 } })
  const { pending, turns } = await get(id)
  expect([pending?.question, turns.length]).toEqual(['How tall is the lighthouse of Skagen?', 1])
})

it('lets those answer that can, and throws where none does', async () => {
  const id = newId()
  const { library } = test.engine.state.store
  library.packets.setTrust(goat, 'restricted')
  try {
    const { steps, failed } = await put(id, COFFEE, { of: [{ ref: goat }, { ref: coffee }] })
    expect(steps).toMatchObject([{ rootPacketId: coffee, besideId: null }])
    expect(failed).toMatchObject([{ packetId: goat, error: { code: 'E_RESTRICTED' } }])
    await expect(put(newId(), COFFEE, { of: [{ ref: goat }] })).rejects.toMatchObject({ code: 'E_RESTRICTED' })
  } finally {
    library.packets.setTrust(goat, 'own')
  }
  const many = Array.from({ length: MOST_EACH + 1 }, () => ({ ref: coffee }))
  await expect(put(id, COFFEE, { of: many })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
  await expect(put(id, COFFEE, { of: [{ ref: 'Nobody' }, { ref: coffee }] })).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
  })
})

it('what stood below an answer stands below the one beside it when its cartridge is forgotten', async () => {
  const id = newId()
  const gone = await make('Gone', { name: 'Gone', text: 'Person Bea has a cow.' })
  const { steps } = await put(id, 'What does Anders have?', { of: [{ ref: gone }, { ref: goat }, { ref: coffee }] })
  const below = await put(id, 'Where?', { of: [{ ref: goat }, { ref: coffee }] })
  test.engine.state.store.library.packets.forget([gone])
  const { turns, headId } = await get(id)
  const [, heir, other] = steps.map(step => step.id)
  expect(turns.map(turn => [turn.id, turn.previousId, turn.besideId])).toEqual([
    [heir, null, null],
    [other, null, heir],
    [below.steps[0]?.id, heir, null],
    [below.steps[1]?.id, heir, below.steps[0]?.id],
  ])
  expect(headId).toBe(below.steps[0]?.id)
})
