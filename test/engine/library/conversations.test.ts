import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { purgeConversations } from '#engine/library/conversations.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

const DAY = 24 * 60 * 60 * 1000
let test: TestEngine
let ref = ''
beforeAll(async () => {
  test = await openTestEngine()
  const { title, text } = await bundledText('card-coffee')
  const made = await test.client.call('packets.create', {
    ...{ model: 'starter-transformer', sources: [{ name: title, text }], name: 'Coffee' },
  })
  ref = made.cartridge.packetId
})
afterAll(() => test.close())

const MODEL = 'starter-transformer'
const get = (id: string) => test.client.call('conversations.get', { id })
const ask = (conversationId: string, question: string, more: { parentId?: string; previousId?: string | null } = {}) =>
  test.client.call('ask.ask', { ref, conversationId, question, maxNewTokens: 6, ...more })
const newId = () => crypto.randomUUID()

async function restart(): Promise<void> {
  const { folder } = test
  await test.engine.dispose()
  test = await openTestEngine({ folder })
}

describe('a conversation', () => {
  it('keeps draft, turns, figures and place over a restart, and goes on from its state', async () => {
    const id = newId()
    expect(await get(id)).toMatchObject({ name: 'New conversation', turns: [], headId: null, draft: '' })
    const saved = await test.client.call('conversations.save', { id, draft: 'And then' })
    const { step: first } = await ask(id, 'Who is the manager of Harbor Coffee?')
    const { step: second } = await ask(id, 'What is the phone?', { parentId: first.id })
    const before = await get(id)
    await restart()
    const after = await get(id)
    expect(after).toEqual(before)
    expect(after).toMatchObject({ draft: 'And then', draftRevision: saved.draftRevision, headId: second.id })
    expect(after.name).toBe('Who is the manager of Harbor Coffee?')
    expect(after.turns.map(({ tokens }) => tokens)).toEqual([first.tokens, second.tokens])
    const { step: third } = await ask(id, 'And the rent?', { parentId: second.id })
    expect(third.fromPacketId).toBe(second.packetId)
    expect(third.tokens.base).toBeGreaterThan(second.tokens.base)
  })

  it('says what is being answered, and keeps a question that got no answer', async () => {
    const id = newId()
    await test.client.call('conversations.save', { id, draft: 'Who is it? ' })
    const stop = new AbortController()
    const asked = test.client.call(
      'ask.ask',
      { ref, conversationId: id, question: 'Who is it?', maxNewTokens: 2000 },
      { signal: stop.signal },
    )
    const put = { question: 'Who is it?', previousId: null, parentId: null, answering: true }
    await expect.poll(async () => (await get(id)).pending, { interval: 1 }).toEqual(put)
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'E_CANCELLED' })
    // Stopped: what came until then is a turn, or the question stands without an answer; the draft is neither lost nor doubled.
    await expect.poll(async () => (await get(id)).pending?.answering ?? false).toBe(false)
    const { pending, turns, draft } = await get(id)
    expect([draft, turns.length + (pending === null ? 0 : 1)]).toEqual(['', 1])
    await expect(ask(id, 'Who?', { parentId: 'nothing' })).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
  })

  it('keeps an answer that was stopped as far as it came', async () => {
    const id = newId()
    const stop = new AbortController()
    const asked = test.client.call(
      'ask.ask',
      { model: MODEL, conversationId: id, question: 'Tell me about the coffee house', maxNewTokens: 2000 },
      { signal: stop.signal, onItem: () => stop.abort() },
    )
    await expect(asked).rejects.toMatchObject({ code: 'E_CANCELLED' })
    await expect.poll(async () => (await get(id)).turns.length).toBe(1)
    const { turns, pending } = await get(id)
    expect(turns[0]).toMatchObject({ finishReason: 'cancelled', stateKept: true })
    expect(turns[0]?.answer.length).toBeGreaterThan(0)
    expect(pending).toBeNull()
  })

  it('branches where a question is put again, and goes back to the newest of a branch', async () => {
    const id = newId()
    const { step: first } = await ask(id, 'Who is the manager of Harbor Coffee?')
    const { step: second } = await ask(id, 'What is the phone of Harbor Coffee?')
    const { step: other } = await ask(id, 'What is the rent of Harbor Coffee?', { previousId: first.previousId })
    expect([second.previousId, other.previousId]).toEqual([first.id, null])
    expect((await get(id)).headId).toBe(other.id)
    const head = { id: first.id, newest: true }
    await test.client.call('conversations.save', { id, head })
    expect((await get(id)).headId).toBe(second.id)
    const exported = await test.client.call('conversations.export', { id })
    expect(exported.fileName).toBe('Who is the manager of Harbor Coffee.md')
    expect(exported.markdown).toContain('## What is the phone of Harbor Coffee?\n\n')
    expect(exported.markdown).toContain(second.answer)
    expect(exported.markdown).toContain(`*Coffee (\`${ref}\`)`)
    expect(exported.markdown).not.toContain('What is the rent')
    await expect(ask(newId(), 'Who?', { previousId: first.id })).rejects.toMatchObject({ code: 'E_CONFLICT' })
  })

  it('is part of what its cartridge was asked, in that order, whatever the clock said, until it is deleted', async () => {
    const [one, other] = [newId(), newId()]
    const asked = async () =>
      (await test.client.call('ask.history', { ref })).steps
        .filter(({ conversationId }) => conversationId === one || conversationId === other)
        .map(({ question }) => question)
    await ask(one, 'First?')
    const early = Date.now() - 2 * 60 * 60 * 1000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(early)
    try {
      await ask(other, 'Second?')
    } finally {
      clock.mockRestore()
    }
    await ask(one, 'Third?')
    expect(await asked()).toEqual(['First?', 'Second?', 'Third?'])
    await test.client.call('conversations.delete', { ids: [other] })
    expect(await asked()).toEqual(['First?', 'Third?'])
    await test.client.call('conversations.restore', { ids: [other] })
    expect(await asked()).toEqual(['First?', 'Second?', 'Third?'])
  })

  it('is found by what was asked and answered, and is renamed', async () => {
    const id = newId()
    const { step } = await ask(id, 'Who is the SUPPLIER of Harbor Coffee?')
    const list = (query: string) => test.client.call('conversations.list', { query })
    const word = step.answer.split(' ').at(-1)?.replace(/\W/g, '') ?? ''
    for (const query of ['supplier', word]) {
      const found = (await list(query)).items.find(item => item.id === id)
      expect(found, query).toMatchObject({ turns: 1, cartridge: 'Coffee', found: step.question })
    }
    expect((await list('nothing like this')).items).toEqual([])
    await test.client.call('conversations.save', { id, name: 'Suppliers' })
    expect((await list('suppliers')).items[0]).toMatchObject({ id, name: 'Suppliers' })
  })

  it('asks the bare model, which goes on from its own state and is told a system prompt once', async () => {
    const id = newId()
    await test.client.call('conversations.save', { id, model: MODEL, system: 'Answer in one word.' })
    const bare = (question: string, parentId?: string) =>
      test.client.call('ask.ask', { model: MODEL, conversationId: id, question, maxNewTokens: 3, parentId })
    const { step: first } = await bare('Who?')
    expect(first).toMatchObject({ rootPacketId: null, fromPacketId: null, stateKept: true })
    expect(first.delta).toContain('Answer in one word.')
    const { step: second } = await bare('And then?', first.id)
    expect(second.fromPacketId).toBe(first.packetId)
    expect(second.tokens.saved).toBeGreaterThan(0)
    await expect(test.client.call('conversations.save', { id, system: 'Other' })).rejects.toMatchObject({
      code: 'E_CONFLICT',
    })
  })

  it('keeps what the bare model says to the same question beside the answer', async () => {
    const { step } = await ask(newId(), 'Who is the manager of Harbor Coffee?')
    let text = ''
    const turn = await test.client.call(
      'conversations.eject',
      { turnId: step.id, maxNewTokens: 8 },
      { onItem: item => (text += item.text) },
    )
    expect(turn.without?.answer).toBe(text.trim())
    expect(turn.answer).toBe(step.answer)
    expect((await get(step.conversationId)).turns).toEqual([turn])
  })

  it('says that a state is gone, and reads it again to the same state', async () => {
    const id = newId()
    const { step: first } = await ask(id, 'Who is the manager of Harbor Coffee?')
    const { step: second } = await ask(id, 'What is the phone?', { parentId: first.id })
    // Nobody named these states: they are what is given up first.
    await test.client.call('library.gc', { olderThanDays: 0, keepLatest: 0 })
    expect((await get(id)).turns.map(({ stateKept }) => stateKept)).toEqual([false, false])
    await expect(ask(id, 'And?', { parentId: second.id })).rejects.toThrow(/no longer stored/)
    const { turn, tokensProcessed } = await test.client.call('conversations.reread', { turnId: second.id })
    expect(turn).toEqual(second)
    expect(tokensProcessed).toBeGreaterThan(0)
    const { step: third } = await ask(id, 'And the rent?', { parentId: second.id })
    expect(third.fromPacketId).toBe(second.packetId)
  })

  it('is deleted with its states, comes back with them, and is gone from the databases in a day', async () => {
    const CANARY = 'zanzibarquokka'
    const id = newId()
    const { step } = await ask(id, `Who is ${CANARY}?`)
    const held = () =>
      readdirSync(join(test.folder, 'store'))
        .filter(name => name.includes('sqlite'))
        .filter(name =>
          readFileSync(join(test.folder, 'store', name))
            .toString('latin1')
            .toLowerCase()
            .includes(CANARY),
        )
    expect(held()).not.toEqual([])
    const ids = [id]
    expect(await test.client.call('conversations.delete', { ids })).toEqual({ deleted: 1 })
    await expect(get(id)).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
    await expect(test.client.call('conversations.save', { id, draft: 'x' })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    })
    expect(await test.client.call('conversations.restore', { ids })).toEqual({ restored: 1 })
    expect((await get(id)).turns).toEqual([step])

    await test.client.call('conversations.delete', { ids })
    expect(purgeConversations(test.engine.state.store, Date.now())).toBe(0)
    expect(purgeConversations(test.engine.state.store, Date.now() + DAY)).toBe(1)
    expect(held()).toEqual([])
    expect(await test.client.call('conversations.restore', { ids })).toEqual({ restored: 0 })
  })
})
