/** States of models with attention and a recurrence: both parts move together, bit for bit, on the reference's models. */
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareLogits } from '#engine/inference/compareStates.ts'
import { mixStates } from '#engine/inference/mixStates.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { digestLogits, digestState } from './digestState.ts'
import { HYBRIDS, runnableModel } from './runnableModel.ts'
import { type Seeded, seeded } from './seeded.ts'

const ROUNDS = process.env.DEEP ? 60 : 6
const VOCAB = 160
const LONGEST = 256

describe.each(HYBRIDS.map(folder => [basename(folder), folder]))('a session of %s', (_name, folder) => {
  let runtime: Runtime
  let random: Seeded
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
    random = seeded(17)
  })
  afterAll(() => runtime.dispose())

  it('gives the same bits however the text was cut', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const tokens = random.tokens(random.int(2, LONGEST), VOCAB)
      using whole = runtime.newSession()
      const logits = await whole.append(tokens, { logits: 'all' })
      using cut = runtime.newSession()
      let at = 0
      for (const piece of random.cuts(tokens.length, [1, 3, 150][round % 3] ?? 1)) {
        const rows = await cut.append(tokens.subarray(at, at + piece), { logits: 'all' })
        expect(rows.findIndex((value, i) => value !== logits[at * VOCAB + i])).toBe(-1)
        at += piece
      }
      expect(digestState(await cut.capture())).toBe(digestState(await whole.capture()))
    }
  })

  it('gives the same bits in runs of every length', async () => {
    const tokens = random.tokens(165, VOCAB)
    using whole = runtime.newSession()
    const logits = await whole.append(tokens, { logits: 'all' })
    for (let length = 1; length <= 128; length++) {
      using session = runtime.newSession()
      await session.append(tokens.subarray(0, 37), { logits: 'none' })
      const rows = await session.append(tokens.subarray(37, 37 + length), { logits: 'all' })
      const other = rows.findIndex((value, i) => value !== logits[37 * VOCAB + i])
      expect(other, `of a run of ${length}, row ${Math.floor(other / VOCAB)}`).toBe(-1)
    }
  })

  it('cannot be cut back; going back to a checkpoint equals never having read on', async () => {
    const tokens = random.tokens(LONGEST - 20, VOCAB)
    using session = runtime.newSession()
    const checkpoints: StateSnapshot[] = []
    for (let at = 0; at < tokens.length; at += 23) {
      await session.append(tokens.subarray(at, at + 23), { logits: 'none' })
      checkpoints.push(await session.capture())
    }
    expect(() => session.truncate(10)).toThrow(expect.objectContaining({ code: 'E_NOT_SUPPORTED' }))
    const rest = random.tokens(15, VOCAB)
    for (const checkpoint of checkpoints) {
      using back = await runtime.restore(checkpoint)
      expect(back.processed).toBe(0)
      using fresh = runtime.newSession()
      await fresh.append(tokens.subarray(0, checkpoint.position), { logits: 'none' })
      expect(digestState(checkpoint)).toBe(digestState(await fresh.capture()))
      expect(digestLogits(await back.append(rest))).toBe(digestLogits(await fresh.append(rest)))
      expect(digestState(await back.capture())).toBe(digestState(await fresh.capture()))
    }
  })

  it('is cancelled and forked without a trace in either part', async () => {
    const tokens = random.tokens(230, VOCAB)
    using session = runtime.newSession()
    await session.append(tokens.subarray(0, 51), { logits: 'none' })
    const before = digestState(await session.capture())
    const cancel = new AbortController()
    const reading = session.append(tokens.subarray(51), {
      signal: cancel.signal,
      onProgress: () => cancel.abort(),
    })
    await expect(reading).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect(digestState(await session.capture())).toBe(before)
    using fork = await session.fork()
    await session.append([1, 2, 3])
    expect(digestState(await fork.capture())).toBe(before)
    const expected = digestLogits(await runtime.newSession().append(tokens))
    expect(digestLogits(await fork.append(tokens.subarray(51)))).toBe(expected)
  })

  it('reads to the very end of its context, and no further', async () => {
    using session = runtime.newSession()
    await session.append(random.tokens(LONGEST - 1, VOCAB), { logits: 'none' })
    expect((await session.append([1])).every(Number.isFinite)).toBe(true)
    await expect(session.append([1])).rejects.toMatchObject({ code: 'E_CONTEXT_LENGTH' })
  })

  it('advances in a batch as it does alone', async () => {
    const batch = runtime.newBatch()
    if (batch === null) throw new Error('the processor batches')
    const twins: { together: Session; alone: Session }[] = []
    for (const length of [70, 3, 41]) {
      const together = runtime.newSession()
      await together.append(random.tokens(length, VOCAB), { logits: 'none' })
      twins.push({ together, alone: await together.fork() })
      await batch.join(together)
    }
    const [waits, ...reads] = twins
    for (let step = 0; step < 9; step++) {
      const tokens = new Map(reads.map(({ together }) => [together, random.int(0, VOCAB - 1)]))
      const after = await batch.step(tokens)
      for (const { together, alone } of reads) {
        const expected = await alone.append([tokens.get(together) ?? 0])
        expect(compareLogits(expected, after.get(together) ?? new Float32Array(0)).maxAbsDiff).toBeLessThan(1e-4)
      }
    }
    for (const { together } of twins) batch.leave(together)
    if (waits === undefined) throw new Error('one that waits')
    expect(digestState(await waits.together.capture())).toBe(digestState(await waits.alone.capture()))
  })

  it('is not mixed: half of it belongs to positions', async () => {
    using session = runtime.newSession()
    await session.append(random.tokens(9, VOCAB), { logits: 'none' })
    const state = await session.capture()
    const mix = () =>
      mixStates([
        { state, weight: 1 },
        { state, weight: 1 },
      ])
    expect(mix).toThrow(
      expect.objectContaining({ code: 'E_NOT_SUPPORTED', details: { kind: 'hybrid', instead: 'merge' } }),
    )
    expect(mix).toThrow(/attention.*positions.*merge/)
  })
})
