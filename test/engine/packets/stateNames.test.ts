/** What has no name of its own is called by what a person knows of it, never by the beginning of a digest. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let studio: TestEngine
beforeAll(async () => {
  studio = await openTestEngine()
})
afterAll(() => studio.close())

it('a state after an answer is called by the cartridge that was asked, and one that only a program knows by no digest', async () => {
  const { client } = studio
  const text = 'Facts:\nThe goat lives in Oslo.\nThe cow lives in Rome.\nThe dog lives in Bern.\n'
  const { cartridge } = await client.call('packets.create', {
    ...{ model: 'starter-transformer', sources: [{ name: 'herd', text }], name: 'Herd' },
  })
  await client.call('ask.ask', { ref: cartridge.packetId, question: 'Where does the goat live?' })
  await client.call('packets.infer', {
    ref: cartridge.packetId,
    delta: 'And the cat?',
    maxNewTokens: 4,
    persist: 'memory',
  })
  const { tiers, moves } = await client.call('memory.status', {})
  const names = new Set(tiers.flatMap(({ holdings }) => holdings.map(({ name }) => name)))
  expect(names).toContain('Herd')
  expect(names).toContain('Herd, after an answer')
  expect(names).toContain('An earlier prompt, not stored')
  const said = [...names, ...moves.flatMap(({ name, reason }) => [name, reason])]
  expect(said.filter(words => /[0-9a-f]{12}/.test(words))).toEqual([])
})
