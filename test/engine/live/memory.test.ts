import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshFolder } from '../store/fixture.ts'
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
    expect(made.tier).toBe('hot')
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
    for (const { bytes, holdings, own } of after.tiers)
      expect(holdings.reduce((sum, holding) => sum + holding.bytes, own)).toBe(bytes)
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

  it('shows no buffers of a state whose layers have left memory once another has begun: that goes on in them', async () => {
    const [first, second] = [await create(5), await create(6)]
    const hot = async () => {
      const found = (await status()).tiers.find(({ tier }) => tier === 'hot')
      return found?.holdings.map(({ name }) => name).sort()
    }
    await studio.client.call('memory.purge', { tier: 'hot' })
    for (const { packetId } of [first, second]) await ask(packetId)
    expect(await hot()).toEqual(['Herd 5', 'Herd 6'])
    await studio.client.call('memory.purge', { tier: 'hot' })
    await ask(first.packetId)
    await studio.client.call('memory.purge', { tier: 'warm' })
    await ask(second.packetId)
    expect(await hot()).toEqual(['Herd 6'])
    const gone = (await status()).moves.find(({ from }) => from === 'hot')
    expect(gone).toMatchObject({ name: 'Herd 5', to: 'cold', reason: 'room for Herd 6' })
  })

  it('follows budgets, pins and purging', async () => {
    const [pinned, other] = [await create(2), await create(3)]
    await studio.client.call('memory.pin', { packetId: pinned.packetId as never, pinned: true })
    for (const tier of ['hot', 'warm'] as const) await studio.client.call('memory.purge', { tier })
    const tierOf = async (packetId: string) =>
      (await studio.client.call('library.list', {})).items.find(item => item.packetId === packetId)?.tier
    expect([await tierOf(pinned.packetId), await tierOf(other.packetId)]).toEqual(['hot', 'cold'])
    await ask(other.packetId)
    expect(await tierOf(other.packetId)).toBe('hot')
    await studio.client.call('memory.pin', { packetId: pinned.packetId as never, pinned: false })
    for (const tier of ['hot', 'warm'] as const) await studio.client.call('memory.purge', { tier })
    expect(await tierOf(pinned.packetId)).toBe('cold')

    await studio.client.call('settings.set', { memory: { hot: 16 * MIB, warm: 16 * MIB } })
    for (const { bytes, budget } of (await status()).tiers.slice(0, 2)) {
      expect(budget).toBe(16 * MIB)
      expect(bytes).toBeLessThanOrEqual(budget)
    }
    await expect(studio.client.call('settings.set', { memory: { hot: 1, warm: 1 } })).rejects.toMatchObject({
      code: 'E_BAD_INPUT',
    })
  })
})

describe('the cold tier', () => {
  const DELTA = { ...{ model: 'starter-transformer', delta: `${text(9)}\nQuestion: Where?\nAnswer:` }, maxNewTokens: 3 }

  it('counts what is stored, once however often it is shared, and holds what left memory; none of that outlives the engine', async () => {
    const studio = await openTestEngine({ folder: freshFolder() })
    const cold = async () => {
      const found = (await studio.client.call('memory.status', {})).tiers.find(({ tier }) => tier === 'cold')
      if (found === undefined) throw new Error('There is no cold tier.')
      return found
    }
    const onDisk = async (folder: string) =>
      (await readdir(join(studio.folder, 'store', folder))).reduce(
        (sum, name) => sum + statSync(join(studio.folder, 'store', folder, name)).size,
        0,
      )
    try {
      expect(await cold()).toMatchObject({ bytes: 0, own: 0, holdings: [] })
      for (const name of ['One', 'The same']) {
        const sources = [{ name: 'facts', text: text(1) }]
        await studio.client.call('packets.create', { model: 'starter-transformer', name, sources })
      }
      const stored = await cold()
      expect(stored.own).toBe(await onDisk('blobs/sha256'))
      expect(stored).toMatchObject({ bytes: stored.own, holdings: [] })
      // By itself the budget leaves room for more than is there.
      expect(stored.budget).toBeGreaterThan(stored.own)

      const { newContextId } = await studio.client.call('packets.infer', { ...DELTA, persist: 'memory' })
      await studio.client.call('memory.purge', { tier: 'warm' })
      const full = await cold()
      expect(full.own).toBe(stored.own)
      expect(full.bytes - full.own).toBeGreaterThan(1000)
      expect(await onDisk('unstored')).toBe(full.bytes - full.own)
      expect(full.holdings).toMatchObject([{ stored: false, reason: 'it left memory, not stored' }])
      const goOn = { ref: newContextId, delta: '?', persist: 'memory', maxNewTokens: 1 } as const
      expect((await studio.client.call('packets.infer', goOn)).tokens.base).toBeGreaterThan(100)

      await studio.client.call('memory.purge', { tier: 'warm' })
      await studio.client.call('memory.purge', { tier: 'cold' })
      expect(await onDisk('unstored')).toBe(0)
      expect(await cold()).toMatchObject({ bytes: stored.own, holdings: [] })
      await expect(studio.client.call('packets.infer', goOn)).rejects.toMatchObject({ code: 'E_NOT_FOUND' })

      // Collecting is counted, too.
      await studio.client.call('packets.infer', { ...DELTA, persist: 'durable' })
      expect((await cold()).own).toBe(await onDisk('blobs/sha256'))
      const { items } = await studio.client.call('library.list', {})
      await studio.client.call('library.delete', { packetIds: items.map(({ packetId }) => packetId) })
      await studio.client.call('library.gc', { olderThanDays: 0, dryRun: false })
      expect((await cold()).own).toBe(await onDisk('blobs/sha256'))
      await studio.client.call('packets.infer', { ...DELTA, persist: 'memory' })
      await studio.client.call('memory.purge', { tier: 'warm' })
      expect(await onDisk('unstored')).toBeGreaterThan(0)
    } finally {
      await studio.close()
    }
    expect(await onDisk('unstored')).toBe(0)
  })

  it('of no bytes keeps all that somebody stored, takes what is stored from then on, and reads again what it did not keep', async () => {
    const studio = await openTestEngine()
    const { client, engine } = studio
    try {
      const sources = [{ name: 'facts', text: text(1) }]
      const { cartridge } = await client.call('packets.create', { model: 'starter-transformer', name: 'Mine', sources })
      const first = await client.call('packets.infer', { ...DELTA, persist: 'memory' })
      await client.call('settings.set', { memory: { hot: 16 * MIB, warm: 16 * MIB, cold: 0 } })
      for (const tier of ['hot', 'warm'] as const) await client.call('memory.purge', { tier })

      // What nobody stored is gone, and read again as it was where its text is sent again.
      const { tiers, moves } = await client.call('memory.status', {})
      expect(tiers.at(-1)).toMatchObject({ tier: 'cold', budget: 0, holdings: [] })
      expect(moves.filter(({ name, to }) => to === 'cold' && name !== 'Mine')).toEqual([])
      expect(moves.find(({ from, to }) => from === 'warm' && to === 'gone')).toMatchObject({ reason: 'purged' })
      expect(engine.state.live.unstored.packetOf(first.newContextId)).toBeNull()
      const again = await client.call('packets.infer', { ...DELTA, persist: 'memory' })
      expect(again.outputTokenIds).toEqual(first.outputTokenIds)
      expect(again.newContextId).toBe(first.newContextId)
      expect(again.tokens.processed).toBe(first.tokens.processed)

      // What somebody stores is stored whatever the budget, with what only memory had.
      const grown = { ref: again.newContextId, delta: 'More.', maxNewTokens: 1, keepOutput: true } as const
      const { newPacketId } = await client.call('packets.infer', grown)
      for (const ref of [cartridge.packetId, newPacketId ?? ''])
        expect(await client.call('packets.verify', { ref, level: 'recomputed' })).toMatchObject({ ok: true })
    } finally {
      await studio.close()
    }
  })
})
