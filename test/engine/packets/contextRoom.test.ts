/** No cartridge is made that cannot be asked without its being said, whichever way it is made. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const model = 'starter-transformer'
const CONTEXT = 2048
/** A fifth of the context is left for questions. */
const MOST = 1638

let studio: TestEngine
beforeAll(async () => {
  studio = await openTestEngine()
})
afterAll(() => studio.close())

const lines = (count: number) => Array.from({ length: count }, (_, i) => `The goat ${i} lives in Oslo.`).join('\n')
const create = (text: string) => studio.client.call('packets.create', { model, sources: [{ name: 'herd', text }] })

it('a text that leaves little room is said to, and so is one that is appended; others are not', async () => {
  const short = await create(lines(20))
  expect(short.notes).toEqual([])
  const each = short.cartridge.tokens / 20
  const long = await create(lines(Math.floor(1700 / each)))
  expect(long.cartridge.tokens).toBeGreaterThan(MOST)
  const left = (tokens: number) =>
    `Of the ${CONTEXT} tokens that ${model} reads, ${CONTEXT - tokens} stay free for questions and answers.`
  expect(long.notes).toEqual([left(long.cartridge.tokens)])
  const grown = await studio.client.call('packets.merge', { ref: long.cartridge.packetId, delta: `\n${lines(4)}` })
  expect(grown.notes).toEqual([left(grown.cartridge.tokens)])
  expect(grown.cartridge.tokens).toBeGreaterThan(long.cartridge.tokens)
})

it('what is advised for a text that is too long can be asked afterwards', async () => {
  const tooLong = create(lines(1000))
  await expect(tooLong).rejects.toMatchObject({
    code: 'E_CONTEXT_LENGTH',
    message: expect.stringContaining(`--first-tokens ${MOST}, which leaves room for questions`),
  })
})
