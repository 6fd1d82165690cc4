import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openState } from '#engine/packets/openState.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

/** Random but repeatable. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const SPLITS = process.env.DEEP ? 60 : 6

describe.each(['starter-transformer', 'starter-mamba'])('merging on %s', model => {
  it('gives the context of the whole text, its logits, and writes no more than the format allows', async () => {
    const text = (await bundledText('contract')).text
    const random = generator(7)
    for (let round = 0; round < SPLITS; round++) {
      const length = 200 + Math.floor(random() * (text.length - 200))
      const split = 20 + Math.floor(random() * (length - 40))
      const whole = `Round ${round}.\n${text.slice(0, length)}`
      const [a, b] = [whole.slice(0, split), whole.slice(split)]
      const base = await test.client.call('packets.create', {
        model,
        sources: [{ name: 'a', text: a }],
        dtype: 'float32',
      })
      const merged = await test.client.call('packets.merge', { ref: base.cartridge.packetId, delta: b })
      const state = await openState(test.engine.state, merged.cartridge.packetId)

      // The same text read in one go, in another store: there nothing can be found instead of being read.
      const fresh = await openTestEngine()
      try {
        const created = await fresh.client.call('packets.create', {
          model,
          sources: [{ name: 'a', text: whole }],
          dtype: 'float32',
        })
        expect(merged.cartridge.contextId).toBe(created.cartridge.contextId)
        const direct = await openState(fresh.engine.state, created.cartridge.packetId)
        expect([...state.tokens]).toEqual([...direct.tokens])
        let largest = 0
        for (const [id, logit] of (direct.logits ?? []).entries())
          largest = Math.max(largest, Math.abs(logit - (state.logits?.[id] ?? 0)))
        expect(largest).toBeLessThanOrEqual(1e-5)
      } finally {
        await fresh.close()
      }

      const n = state.tokens.length
      const d = merged.tokensProcessed
      const { perToken, fixed } = {
        perToken: model.includes('mamba') ? 0 : 4096,
        fixed: model.includes('mamba') ? 1_356_800 : 0,
      }
      const bound =
        (d + 63) * perToken + fixed + 4 * n + 400 * Math.ceil(n / 64) + 4 * 2048 + Buffer.byteLength(b) + 16 * 1024
      expect(merged.bytesWritten).toBeLessThanOrEqual(bound)
      expect(merged.tokensProcessed).toBe(n - base.cartridge.tokens)
    }
  })
})

it('finds the merged context when the whole text is created in the same store', async () => {
  const { text } = await bundledText('handbook')
  const model = 'starter-transformer'
  const base = await test.client.call('packets.create', { model, sources: [{ name: 'a', text: text.slice(0, 300) }] })
  const merged = await test.client.call('packets.merge', { ref: base.cartridge.packetId, delta: text.slice(300) })
  const created = await test.client.call('packets.create', { model, sources: [{ name: 'a', text }] })
  expect(created).toMatchObject({ cacheHit: true, tokensProcessed: 0 })
  expect(created.cartridge.packetId).toBe(merged.cartridge.packetId)
})

it('folds the tail of an empty delta', async () => {
  const base = await test.client.call('packets.create', {
    model: 'starter-transformer',
    sources: [{ name: 'a', text: 'The fee is 4800' }],
  })
  const held = (await openState(test.engine.state, base.cartridge.packetId)).tail
  expect(held).not.toBe('')
  const merged = await test.client.call('packets.merge', { ref: base.cartridge.packetId, delta: '' })
  const state = await openState(test.engine.state, merged.cartridge.packetId)
  expect(state.tail).toBe('')
  expect(state.tokens.length).toBe(base.cartridge.tokens + merged.tokensProcessed)
})
