import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

const MIB = 1024 ** 2
const text = (seed: number) =>
  Array.from({ length: 40 }, (_, i) => `Fact ${seed}.${i}: goat ${i} lives in house ${i * 7 + seed}.`).join('\n')

describe('what the memory view says', () => {
  let studio: TestEngine
  const status = () => studio.client.call('memory.status', {})
  const ask = (ref: string) =>
    studio.client.call('packets.infer', { ref, delta: questionDelta('Where?'), persist: 'memory', maxNewTokens: 2 })
  beforeAll(async () => {
    studio = await openTestEngine()
  })
  afterAll(() => studio.close())
  const create = async (seed: number) => {
    const made = await studio.client.call('packets.create', {
      ...{ model: 'starter-transformer', name: `Herd ${seed}`, sources: [{ name: 'facts', text: text(seed) }] },
    })
    return made.cartridge
  }

  it('is what is there: by cartridge, by tier, with names, hits and the reasons of every move', async () => {
    const made = await create(1)
    expect(made.tier).toBe('warm')
    const before = await status()
    const warm = before.tiers.find(({ tier }) => tier === 'warm')
    expect(warm?.holdings.find(({ packetId }) => packetId === made.packetId)).toMatchObject({
      name: 'Herd 1',
      pinned: false,
    })
    expect(before.models).toMatchObject([
      { id: 'starter-transformer', precision: 'float32', provider: 'cpu', heldBy: [] },
    ])
    await ask(made.packetId)
    const after = await status()
    expect(after.layers.hits).toBeGreaterThan(before.layers.hits)
    expect(after.moves[0]).toMatchObject({ reason: expect.stringMatching(/\w/) })
    for (const { bytes, holdings } of after.tiers)
      expect(holdings.reduce((sum, holding) => sum + holding.bytes, 0)).toBe(bytes)
    const listed = await studio.client.call('library.list', {})
    expect(listed.items.find(({ packetId }) => packetId === made.packetId)?.tier).toBe('hot')
  })

  it('says where what stood in buffers is found once they are given up: warm only while its layers are there', async () => {
    const { packetId } = await create(4)
    const purge = (tier: 'hot' | 'warm') => studio.client.call('memory.purge', { tier })
    const lastFromHot = async () => (await status()).moves.find(({ from }) => from === 'hot')
    await ask(packetId)
    await purge('hot')
    expect(await lastFromHot()).toMatchObject({ name: 'Herd 4', to: 'warm', reason: 'purged' })
    await ask(packetId)
    await purge('warm')
    await purge('hot')
    expect(await lastFromHot()).toMatchObject({ name: 'Herd 4', to: 'cold', reason: 'purged' })
    await studio.client.call('packets.infer', { model: 'starter-transformer', delta: 'A goat', persist: 'memory' })
    await purge('warm')
    await purge('hot')
    expect(await lastFromHot()).toMatchObject({ name: 'starter-transformer', to: 'gone', reason: 'purged' })
  })

  it('follows budgets, pins and purging', async () => {
    const [pinned, other] = [await create(2), await create(3)]
    await studio.client.call('memory.pin', { packetId: pinned.packetId as never, pinned: true })
    for (const tier of ['hot', 'warm'] as const) await studio.client.call('memory.purge', { tier })
    const tierOf = async (packetId: string) =>
      (await studio.client.call('library.list', {})).items.find(item => item.packetId === packetId)?.tier
    expect([await tierOf(pinned.packetId), await tierOf(other.packetId)]).toEqual(['warm', 'cold'])
    await ask(other.packetId)
    expect(await tierOf(other.packetId)).toBe('hot')
    await studio.client.call('memory.pin', { packetId: pinned.packetId as never, pinned: false })
    await studio.client.call('memory.purge', { tier: 'warm' })
    expect(await tierOf(pinned.packetId)).toBe('cold')

    await studio.client.call('settings.set', { memory: { hot: 16 * MIB, warm: 16 * MIB } })
    for (const { bytes, budget } of (await status()).tiers) {
      expect(budget).toBe(16 * MIB)
      expect(bytes).toBeLessThanOrEqual(budget)
    }
    await expect(studio.client.call('settings.set', { memory: { hot: 1, warm: 1 } })).rejects.toMatchObject({
      code: 'E_BAD_INPUT',
    })
  })
})
