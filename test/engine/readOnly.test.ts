import { mkdirSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestEngine, type TestEngine } from './testEngine.ts'

const text = 'Facts about the red goat. The goat lives in Oslo.\n'
let test: TestEngine
let packetId = ''

/** Closes the engine and opens it again on what `change` made of the store. */
async function reopen(change: (store: string) => void): Promise<void> {
  const { folder } = test
  await test.engine.dispose()
  change(join(folder, 'store'))
  test = await openTestEngine({ folder })
}

beforeAll(async () => {
  test = await openTestEngine()
  const made = await test.client.call('packets.create', {
    model: 'starter-transformer',
    sources: [{ name: 'goat', text }],
  })
  packetId = made.cartridge.packetId
  await test.client.call('packets.infer', { ref: packetId, delta: 'Where?', maxNewTokens: 1 })
})
afterAll(async () => {
  await test.engine.dispose()
  rmSync(test.folder, { recursive: true, force: true })
})

describe('a store that cannot be written to', () => {
  it('is listed, inspected, verified, exported and asked, and changed by nobody', async () => {
    await reopen(store => {
      rmSync(join(store, 'lock.sqlite'))
      // As good as no permission, also for root: nothing that writes gets past it.
      mkdirSync(join(store, 'lock.sqlite'))
    })
    const { client } = test
    const before = await test.files()
    expect((await client.call('engine.status', {})).store).toMatchObject({ readOnly: true, packets: 2 })
    expect((await client.call('library.list', { query: 'goat' })).items[0]).toMatchObject({ packetId })
    expect(await client.call('library.get', { ref: packetId })).toMatchObject({ usage: { asks: 1 } })
    expect(await client.call('packets.inspect', { ref: packetId })).toMatchObject({ summary: { packetId } })
    for (const level of ['intact', 'recomputed'] as const)
      expect(await client.call('packets.verify', { ref: packetId, level })).toMatchObject({ ok: true, level })
    expect((await client.call('packets.export', { ref: packetId })).bytes).toBeGreaterThan(1000)
    expect(await client.call('savings.summary', { period: 'all' })).toMatchObject({ totals: { inferences: 1 } })
    expect(await client.call('receipts.list', {})).toMatchObject({ total: 2 })
    expect(await client.call('receipts.verify', {})).toMatchObject({ ok: true, count: 2 })
    const asked = await client.call('ask.ask', {
      ref: packetId,
      question: 'Where does the goat live?',
      maxNewTokens: 8,
    })
    expect(asked.with?.output.length).toBeGreaterThan(0)
    expect(asked.step?.packetId).toBeNull()
    for (const refused of [
      () => client.call('packets.create', { model: 'starter-transformer', sources: [{ name: 'b', text: 'B.\n' }] }),
      () => client.call('packets.merge', { ref: packetId, delta: 'More.\n' }),
    ])
      await expect(refused()).rejects.toMatchObject({ code: 'E_READ_ONLY' })
    expect(await test.files()).toEqual(before)
    await reopen(store => rmSync(join(store, 'lock.sqlite'), { recursive: true }))
    expect((await test.client.call('engine.status', {})).store.readOnly).toBe(false)
  })

  it('keeps its use when the index is built again', async () => {
    await reopen(store => truncateSync(join(store, 'index.sqlite'), 100))
    expect(await test.client.call('library.get', { ref: packetId })).toMatchObject({ usage: { asks: 1 } })
    expect(readdirSync(join(test.folder, 'store'))).toContain('index.sqlite')
  })
})

describe('a state without a cartridge', () => {
  it('is kept on disk when that is asked for, from the bare model and from a state in memory', async () => {
    const { client, folder } = test
    const bare = { model: 'starter-transformer', delta: text, maxNewTokens: 1 }
    const inMemory = await client.call('packets.infer', { ...bare, persist: 'memory' })
    expect(inMemory.newPacketId).toBeNull()
    const next = await client.call('packets.infer', { ref: inMemory.newContextId, delta: 'Where?', maxNewTokens: 1 })
    const kept = await client.call('packets.infer', { ...bare, persist: 'durable' })
    await test.engine.dispose()
    test = await openTestEngine({ folder })
    for (const { newPacketId, newContextId } of [kept, next]) {
      expect(newPacketId).not.toBeNull()
      const resolved = await test.client.call('packets.resolve', { ref: newContextId })
      expect(resolved.packetId).toBe(newPacketId)
      await expect(
        test.client.call('packets.verify', { ref: newContextId, level: 'recomputed' }),
      ).resolves.toMatchObject({
        ok: true,
      })
    }
  })
})
