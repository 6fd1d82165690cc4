import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { Scheduler } from '#engine/live/scheduler.ts'
import { StateEncoder } from '#engine/packets/stateEncoder.ts'
import { BlobWriter } from '#engine/store/blobWriter.ts'
import { StagedBlobs } from '#engine/store/stagedBlobs.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { runnableModel, STARTERS } from '../inference/runnableModel.ts'
import { seeded } from '../inference/seeded.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let studio: TestEngine
let ref: Digest
beforeAll(async () => {
  studio = await openTestEngine()
  const text = Array.from({ length: 12 }, (_, i) => `Goat ${i} lives in house ${i * 7}.`).join('\n')
  const { cartridge } = await studio.client.call('packets.create', {
    ...{ model: 'starter-transformer', sources: [{ name: 'herd', text }] },
  })
  ref = cartridge.packetId
})
afterEach(() => vi.restoreAllMocks())
afterAll(() => studio.close())

/** More than a block, so that one is full before the answer. */
const delta = (number: number) => ` Then ${number} goats moved, one after the other, to another house.`.repeat(6)
const ask = (number: number, keepOutput: boolean, signal?: AbortSignal) =>
  studio.client.call(
    'packets.infer',
    { ref, delta: delta(number), keepOutput, maxNewTokens: 24 },
    signal === undefined ? {} : { signal },
  )

/** What of states is looked for or written, and when an answer has been generated, which begins only once `until` is over. */
function follow(until: (seen: readonly string[]) => Promise<unknown>): string[] {
  const seen: string[] = []
  const { stageBlob, find } = BlobWriter.prototype
  vi.spyOn(BlobWriter.prototype, 'stageBlob').mockImplementation(function (this: BlobWriter, blob) {
    if (blob.mediaType === LAYER_TYPES.kv) seen.push('written')
    return stageBlob.call(this, blob)
  })
  vi.spyOn(BlobWriter.prototype, 'find').mockImplementation(async function (this: BlobWriter, blob) {
    const found = await find.call(this, blob)
    if (found !== null && blob.mediaType === LAYER_TYPES.kv) seen.push('found')
    return found
  })
  const { generate } = Scheduler.prototype
  vi.spyOn(Scheduler.prototype, 'generate').mockImplementation(async function (this: Scheduler, ...args) {
    await until(seen)
    const answer = await generate.apply(this, args)
    seen.push('answered')
    return answer
  })
  return seen
}

it.each([
  ['before', false],
  ['with', true],
])('writes the full blocks of the state %s its answer while the answer comes, and once only', async (_, keepOutput) => {
  const number = keepOutput ? 1 : 2
  // It would wait for ever if nothing came before it.
  const seen = follow(seen => expect.poll(() => seen).not.toEqual([]))
  const { newPacketId } = await ask(number, keepOutput)
  expect(seen[0]).toBe('written')
  expect(await studio.client.call('packets.verify', { ref: newPacketId ?? '', level: 'recomputed' })).toMatchObject({
    level: 'recomputed',
  })
  // The same text again has the same blocks, up to where the answer begins.
  seen.length = 0
  await studio.client.call('packets.infer', { ref, delta: delta(number), keepOutput: !keepOutput, maxNewTokens: 5 })
  expect(seen[0]).toBe('found')
})

it('takes the blocks of a known beginning as they are stored, without looking at them again', async () => {
  const model = 'starter-transformer'
  const text = delta(5).repeat(3)
  await studio.client.call('packets.create', { model, dtype: 'float32', sources: [{ name: 'known', text }] })
  const seen = follow(async () => {})
  const answer = await studio.client.call('packets.infer', {
    model,
    delta: `${text} And then?`,
    dtype: 'float32',
    maxNewTokens: 5,
  })
  expect(answer.reused?.tokens).toBeGreaterThan(128)
  expect(seen).toContain('written')
  expect(seen).not.toContain('found')
  expect(
    await studio.client.call('packets.verify', { ref: answer.newPacketId ?? '', level: 'recomputed' }),
  ).toMatchObject({ level: 'recomputed' })
})

it.each([
  ['before', false],
  ['with', true],
])('leaves nothing of the state %s an answer that is cancelled', async (_, keepOutput) => {
  const { folder } = studio.engine.state.store
  const before = readdirSync(join(folder, 'blobs/sha256')).sort()
  const cancelling = new AbortController()
  const seen = follow(async () => cancelling.abort())
  await expect(ask(keepOutput ? 3 : 4, keepOutput, cancelling.signal)).rejects.toMatchObject({ code: 'E_CANCELLED' })
  expect(seen).toContain('answered')
  expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  expect(readdirSync(join(folder, 'blobs/sha256')).sort()).toEqual(before)
})

it.each(STARTERS)('writes nothing of a state of %s once whoever had it taken is gone', async folder => {
  const { store } = studio.engine.state
  const runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 1 })
  await using _ = { [Symbol.asyncDispose]: () => runtime.dispose() }
  using session = runtime.newSession()
  await session.append(seeded(7).tokens(200, 2048), { logits: 'none' })
  const staged = new StagedBlobs(store.writer)
  const encoder = new StateEncoder({ dtype: 'int8', keep: staged.addNew })
  const taking = encoder.end(session).then(({ cache }) => cache)
  const taken = expect(taking).rejects.toMatchObject({ code: 'E_CANCELLED' })
  await encoder[Symbol.asyncDispose]()
  await staged[Symbol.asyncDispose]()
  await taken
  expect(readdirSync(join(store.folder, 'tmp'))).toEqual([])
})
