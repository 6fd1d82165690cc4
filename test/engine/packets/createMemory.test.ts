import { afterAll, beforeAll, expect, it } from 'vitest'
import { arrayPeak } from '../../bench/arrayPeak.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let studio: TestEngine
beforeAll(async () => {
  studio = await openTestEngine()
})
afterAll(() => studio.close())

const MODEL = 'starter-transformer'
const BYTES_PER_TOKEN = 4096
const VOCABULARY = 2048
const text = (seed: number, lines: number) =>
  Array.from({ length: lines }, (_, i) => `Fact ${seed}.${i}: goat ${i} lives in house ${i * 7}.`).join('\n')
const create = (seed: number, lines: number) =>
  studio.client.call('packets.create', { model: MODEL, sources: [{ name: `facts ${seed}`, text: text(seed, lines) }] })

it('a creation holds its state once as models run on it and once as it is stored, and nothing more', async () => {
  await create(1, 4)
  for (const tier of ['hot', 'warm'] as const) await studio.client.call('memory.purge', { tier })
  let tokens = 0
  const held = await arrayPeak(async () => {
    tokens = (await create(2, 60)).cartridge.tokens
  })
  const state = tokens * BYTES_PER_TOKEN
  // Room for one more token, in steps of 256.
  const buffers = Math.ceil((tokens + 1) / 256) * 256 * BYTES_PER_TOKEN
  // What measuring the loss needs: one block as it is widened, and the logits of 16 positions of both states.
  const measuring = 64 * BYTES_PER_TOKEN + 2 * 16 * VOCABULARY * 4
  expect(tokens).toBeGreaterThan(900)
  expect(held).toBeGreaterThan(buffers)
  expect(held).toBeLessThan(buffers + state / 2 + measuring + state / 100)
})

it('a creation says how many tokens it ran to measure what storing loses, beside those of the text', async () => {
  const made = await create(3, 20)
  const { details, tokens } = await studio.engine.state.receipts.get(made.receipt.receipt_id)
  expect(tokens?.processed).toBe(made.cartridge.tokens)
  // Sixteen positions, on the exact state and on the stored one.
  expect(details.measured_tokens).toBe(32)
  const exact = await studio.client.call('packets.create', {
    ...{ model: MODEL, dtype: 'float32', sources: [{ name: 'exact', text: text(4, 20) }] },
  })
  expect((await studio.engine.state.receipts.get(exact.receipt.receipt_id)).details).not.toHaveProperty(
    'measured_tokens',
  )
})
