import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openState } from '#engine/packets/openState.ts'
import { BlobWriter } from '#engine/store/blobWriter.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { arrayPeak } from '../../bench/arrayPeak.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let studio: TestEngine
beforeAll(async () => {
  studio = await openTestEngine()
})
afterAll(() => studio.close())

const MODEL = 'starter-transformer'
const BYTES_PER_TOKEN = 4096
const text = (seed: number, lines: number) =>
  Array.from({ length: lines }, (_, i) => `Fact ${seed}.${i}: goat ${i} lives in house ${i * 7}.`).join('\n')
const create = (seed: number, lines: number) =>
  studio.client.call('packets.create', { model: MODEL, sources: [{ name: `facts ${seed}`, text: text(seed, lines) }] })

it('a creation holds its state as models run on it, and of what it stores only what is on its way to the disk', async () => {
  await create(1, 4)
  for (const tier of ['hot', 'warm'] as const) await studio.client.call('memory.purge', { tier })
  let tokens = 0
  const held = await arrayPeak(async () => {
    tokens = (await create(2, 60)).cartridge.tokens
  })
  const state = tokens * BYTES_PER_TOKEN
  // Room for a short answer, in steps of 256 and 64 beyond.
  const buffers = (Math.ceil((tokens + 1 + 32 - 64) / 256) * 256 + 64) * BYTES_PER_TOKEN
  expect(tokens).toBeGreaterThan(900)
  expect(held).toBeGreaterThan(buffers)
  // A block as it is taken out and five as they are stored; later, what measuring the loss needs: less.
  expect(held).toBeLessThan(buffers + (1 + 5 / 2) * 64 * BYTES_PER_TOKEN + state / 10)
  expect(held).toBeLessThan(1.4 * state)
  const { hot, warm } = studio.engine.state.live
  expect([hot.bytes, warm.bytes < 3 * 64 * BYTES_PER_TOKEN]).toEqual([buffers, true])
})

it('a creation leaves a state that the next session finds where it was read, and that goes to warm when it leaves there', async () => {
  const { packetId } = (await create(5, 20)).cartridge
  const { live, models } = studio.engine.state
  const ask = async () => {
    const answer = await studio.client.call('packets.infer', {
      ...{ ref: packetId, delta: ' And who', persist: 'memory', maxNewTokens: 4 },
    })
    return answer.outputTokenIds
  }
  const { runtime } = await models.load(MODEL)
  const misses = live.blocks.misses
  const { snapshot } = await openState(studio.engine.state, packetId)
  using session = await runtime.restore(snapshot)
  await session.append([1], { logits: 'none' })
  // Only what measuring the loss read again is not there.
  expect(session.copiedBytes).toBeLessThanOrEqual(2 * 64 * BYTES_PER_TOKEN)
  session.dispose()
  const hot = await ask()
  await studio.client.call('memory.purge', { tier: 'hot' })
  const warm = await ask()
  expect(live.blocks.misses).toBe(misses)
  for (const tier of ['warm', 'hot'] as const) await studio.client.call('memory.purge', { tier })
  expect([warm, await ask()]).toEqual([hot, hot])
  expect(live.blocks.misses).toBeGreaterThan(misses)
})

it('a creation that is cancelled or fails after blocks of it were written leaves no file of them', async () => {
  const blobs = async () => (await studio.files()).filter(path => /store.(blobs|tmp)./.test(path)).sort()
  const before = await blobs()
  const cancel = new AbortController()
  const cancelled = studio.client.call(
    'packets.create',
    { model: MODEL, sources: [{ name: 'long', text: text(6, 60) }] },
    { signal: cancel.signal, onProgress: ({ done }) => done !== undefined && done >= 512 && cancel.abort() },
  )
  await expect(cancelled).rejects.toMatchObject({ code: 'E_CANCELLED' })
  expect(await blobs()).toEqual(before)
  const { writer } = studio.engine.state.store
  let written = 0
  const stage = vi.spyOn(writer, 'stageBlob').mockImplementation(async blob => {
    if (blob.mediaType === LAYER_TYPES.kv && ++written > 6) throw new StatePackError('E_DISK_FULL', 'The disk is full.')
    return BlobWriter.prototype.stageBlob.call(writer, blob)
  })
  try {
    await expect(create(7, 60)).rejects.toMatchObject({ code: 'E_DISK_FULL' })
  } finally {
    stage.mockRestore()
  }
  expect(written).toBeGreaterThan(6)
  // It was noticed while the text was still being read.
  expect(written).toBeLessThan(15)
  expect(await blobs()).toEqual(before)
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
