import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Digest } from '#shared/domain/digest.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'
import { readShelf } from './retrieval/readShelf.ts'

/** `npm run bench -- retrieve` asks all of it; here a share of every kind, two scripts without spaces and umlauts among them. */
const SHARE = ['Stations north', 'Stations south', 'Project Falcon', 'Garden diary', 'Mietvertrag', '図書館の案内']

let test: TestEngine
let shelf: Awaited<ReturnType<typeof readShelf>>
const ids = new Map<string, Digest>()

beforeAll(async () => {
  test = await openTestEngine()
  shelf = await readShelf()
  for (const { name, text } of shelf.cartridges.filter(({ name }) => SHARE.includes(name))) {
    const sources = [{ name: 'text.txt', text }]
    const { cartridge } = await test.client.call('packets.create', { model: 'starter-transformer', name, sources })
    ids.set(name, cartridge.packetId)
  }
})
afterAll(() => test.close())

const suggest = (question: string) => test.client.call('library.suggest', { question })

it.each(SHARE)('finds %s by its questions', async name => {
  const questions = shelf.cartridges.find(entry => entry.name === name)?.questions ?? []
  expect(questions).not.toEqual([])
  for (const question of questions) expect((await suggest(question)).chosen, question).toBe(ids.get(name))
})

it('chooses nothing for what no cartridge is about, and says what nobody knows', async () => {
  for (const question of shelf.unanswered.slice(0, 8)) expect((await suggest(question)).chosen, question).toBeNull()
  const { candidates, enough } = await suggest('What is the deadline of Project Walrus?')
  expect(candidates[0]?.accountsFor).toBeLessThan(enough)
  expect(candidates[0]?.unknown[0]).toBe('Walrus')
})

it('counts the tokens that were read to decide', async () => {
  const question = 'What is the deadline of Project Falcon?'
  const { candidates, tokensProcessed } = await suggest(question)
  const { count } = await test.client.call('packets.count', { model: 'starter-transformer', text: question })
  // Once into the bare model, once into each candidate; the frame around it is a few tokens more.
  expect(tokensProcessed).toBeGreaterThanOrEqual(count * (candidates.length + 1))
})

it('never suggests a cartridge that may not be run', async () => {
  const packetId = ids.get('Garden diary')
  test.engine.state.store.library.connection
    .prepare("UPDATE packets SET trust = 'restricted' WHERE packet_id = ?")
    .run(packetId)
  const { chosen, candidates } = await suggest('How many kilos did the plum tree give?')
  expect(chosen).toBeNull()
  expect(candidates.map(({ cartridge }) => cartridge.packetId)).not.toContain(packetId)
})

it('follows a new name, and forgets a deleted cartridge', async () => {
  const packetId = ids.get('Project Falcon')
  if (packetId === undefined) throw new Error('not created')
  const question = 'What is the budget of Undertaking Zephyr?'
  expect((await suggest(question)).chosen).toBeNull()
  await test.client.call('library.update', { packetId, name: 'Undertaking Zephyr' })
  expect((await suggest(question)).chosen).toBe(packetId)
  await test.client.call('library.delete', { packetIds: [packetId] })
  expect((await suggest(question)).chosen).toBeNull()
})

it('finds a cartridge in the library by a word of its text', async () => {
  const search = async (query: string) =>
    (await test.client.call('library.list', { query })).items.map(({ name }) => name)
  expect(await search('larch')).toEqual(['Stations north'])
  expect(await search('kündigungs')).toEqual(['Mietvertrag'])
  expect(await search('館長')).toEqual(['図書館の案内'])
})
