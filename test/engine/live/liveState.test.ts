import crypto from 'node:crypto'
import { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readManifest } from '#engine/store/manifests.ts'
import { nodeFs } from '#engine/store/nodeFs.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

const MODELS = ['starter-transformer', 'starter-mamba'] as const
const question = questionDelta('Where does the goat live?')
const text = (seed: number) =>
  Array.from(
    { length: 20 },
    (_, i) => `Fact ${seed}.${i}: goat ${i} of herd ${seed} lives in house ${i * 7 + seed}.`,
  ).join('\n')

const open: TestEngine[] = []
afterEach(async () => {
  // The newest first: a folder goes with the engine that made it.
  for (const engine of open.splice(0).reverse()) await engine.close()
})
async function start(options: Parameters<typeof openTestEngine>[0] = {}): Promise<TestEngine> {
  const engine = await openTestEngine(options)
  open.push(engine)
  return engine
}
const create = ({ client }: TestEngine, model: string, seed = 1) =>
  client.call('packets.create', { model, sources: [{ name: 'facts', text: text(seed) }] })

const logitsOf = async ({ engine }: TestEngine, { receipt }: { receipt: { receipt_id: string } }) =>
  (await engine.state.receipts.get(receipt.receipt_id)).generation?.logits_sha256

describe.each(MODELS)('states of %s in memory', model => {
  it('are read from disk once: what was just made, or opened before, is there', async () => {
    const first = await start()
    const { packetId } = (await create(first, model)).cartridge
    const { live, faces } = first.engine.state
    const ask = (engine: TestEngine) =>
      engine.client.call('packets.infer', { ref: packetId, delta: question, persist: 'memory', maxNewTokens: 8 })
    const misses = () => live.blocks.misses + live.snapshots.misses
    const fromMemory = await ask(first)
    expect(misses()).toBe(0)
    await ask(first)
    expect(faces.misses).toBe(1)

    const second = await start({ folder: first.folder })
    const fromDisk = await ask(second)
    expect(second.engine.state.live.blocks.misses + second.engine.state.live.snapshots.misses).toBeGreaterThan(0)
    expect(fromDisk.outputTokenIds).toEqual(fromMemory.outputTokenIds)
    expect(fromDisk.newContextId).toBe(fromMemory.newContextId)
    expect(await logitsOf(second, fromDisk)).toBe(await logitsOf(first, fromMemory))
  })

  it('that nobody stored go on as stored ones do, also when memory had no room for them', async () => {
    const outputs: unknown[] = []
    for (const where of ['disk', 'memory', 'moved'] as const) {
      const engine = await start()
      const { live } = engine.engine.state
      let ref = (await create(engine, model)).cartridge.packetId as string
      const persist = where === 'disk' ? 'durable' : 'memory'
      if (where === 'moved') live.warm.budget = 0
      const steps: unknown[] = []
      for (let step = 0; step < 3; step++) {
        const answer = await engine.client.call('packets.infer', {
          ...{ ref, persist, delta: `\nAnd ${step}.${question}` },
          ...{ maxNewTokens: 6, keepOutput: true },
        })
        steps.push(answer.outputTokenIds, answer.newContextId, await logitsOf(engine, answer))
        expect(answer.newPacketId === null).toBe(persist === 'memory')
        ref = answer.newContextId
        if (where === 'moved') {
          await live.unstored.settle()
          expect(live.warm.bytes).toBe(0)
          await engine.client.call('library.gc', { dryRun: false })
        }
      }
      outputs.push(steps)
      if (where === 'disk') continue
      // Stored after all: with what only memory had of its parents.
      const stored = await engine.client.call('packets.infer', {
        ref,
        delta: question,
        maxNewTokens: 4,
        keepOutput: true,
      })
      const again = await start({ folder: engine.folder })
      const next = await again.client.call('packets.infer', {
        ref: stored.newContextId,
        delta: question,
        maxNewTokens: 4,
      })
      expect(next.tokens.base).toBeGreaterThan(stored.tokens.base)
      await expect(again.client.call('packets.infer', { ref, delta: question })).rejects.toMatchObject({
        code: 'E_NOT_FOUND',
      })
    }
    expect(outputs[1]).toEqual(outputs[0])
    expect(outputs[2]).toEqual(outputs[0])
  })

  it('cost one hashing of each layer to make and one to open', async () => {
    const counts = new Map<string, number>()
    const count = (hex: string) => counts.set(hex, (counts.get(hex) ?? 0) + 1)
    const { createHash, hash: hashOnce } = crypto
    const { readHashed } = nodeFs
    const beside = vi.spyOn(nodeFs, 'readHashed').mockImplementation(async (...args) => {
      const before = new Map(counts)
      const file = await readHashed(...args)
      const hex = file.content?.sha256 ?? ''
      // In another thread, which counts nothing.
      if (counts.get(hex) === before.get(hex)) count(hex)
      return file
    })
    crypto.createHash = ((...args: Parameters<typeof createHash>) => {
      const hash = createHash(...args)
      const digest = hash.digest.bind(hash) as (encoding?: 'hex') => string
      hash.digest = ((encoding?: 'hex') => {
        const result = digest(encoding)
        count(result)
        return result
      }) as typeof hash.digest
      return hash
    }) as typeof createHash
    crypto.hash = ((...args: Parameters<typeof hashOnce>) => {
      const result = hashOnce(...args)
      count(result.toString())
      return result
    }) as typeof hashOnce
    syncBuiltinESMExports()
    try {
      const first = await start()
      const { packetId } = (await create(first, model, 2)).cartridge
      const { layers } = await readManifest(first.engine.state.store.blobs, packetId)
      const cache = layers.filter(({ mediaType }) => mediaType === LAYER_TYPES.kv || mediaType === LAYER_TYPES.ssm)
      expect(cache.length).toBeGreaterThan(0)
      const hashed = () => cache.map(({ digest }) => counts.get(digest.slice(7)) ?? 0)
      expect(hashed()).toEqual(cache.map(() => 1))

      counts.clear()
      const second = await start({ folder: first.folder })
      const ask = () =>
        second.client.call('packets.infer', { ref: packetId, delta: question, persist: 'memory', maxNewTokens: 2 })
      await ask()
      expect(hashed()).toEqual(cache.map(() => 1))
      await ask()
      expect(hashed()).toEqual(cache.map(() => 1))
    } finally {
      Object.assign(crypto, { createHash, hash: hashOnce })
      syncBuiltinESMExports()
      beside.mockRestore()
    }
  })
})

it('what is kept in memory leaves no file behind while there is room', async () => {
  const engine = await start()
  const { packetId } = (await create(engine, 'starter-transformer')).cartridge
  const blobs = () => readdirSync(join(engine.folder, 'store/blobs/sha256')).length
  const before = blobs()
  const answer = await engine.client.call('packets.infer', {
    ref: packetId,
    delta: question,
    persist: 'memory',
    keepOutput: true,
  })
  expect(blobs()).toBe(before)
  expect(engine.engine.state.live.unstored.packetOf(answer.newContextId)).not.toBeNull()
})
