import { describe, expect, it } from 'vitest'
import { BufferPool } from '#engine/inference/bufferPool.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { digestLogits, digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

describe('the pool of buffers', () => {
  it('gives back what was given, by length, and fresh zeros otherwise', () => {
    const pool = new BufferPool()
    const array = new Float32Array(8).fill(3)
    pool.give(array)
    expect(pool.take(4)).toEqual(new Float32Array(4))
    expect(pool.take(8)).toBe(array)
    expect(pool.take(8)).toEqual(new Float32Array(8))
  })

  it('keeps no more than its cap: the length that was not given for longest goes first', () => {
    const pool = new BufferPool(100)
    const [a, b, c] = [new Float32Array(8), new Float32Array(9), new Float32Array(10)]
    for (const array of [a, b, c]) pool.give(array)
    expect(pool.take(8)).not.toBe(a)
    expect(pool.take(9)).toBe(b)
    expect(pool.take(10)).toBe(c)
    pool.give(c)
    pool.clear()
    expect(pool.take(10)).not.toBe(c)
  })
})

describe.each(STARTERS)('sessions of %s that follow each other', folder => {
  it('compute the same bits in memory that others have used', async () => {
    const model = await runnableModel(folder)
    const random = seeded(11)
    const [before, tokens] = [random.tokens(700, 2048), random.tokens(300, 2048)]
    using fresh = await openRuntime(model, { device: 'cpu', threads: 2 })
    using alone = fresh.newSession()
    const expected = await alone.append(tokens, { logits: 'all' })

    using runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    const first = runtime.newSession()
    await first.append(before)
    first.dispose()
    // One that needs less room, one that is parked and made again, one that goes on from a snapshot.
    using second = runtime.newSession()
    await second.append(tokens.subarray(0, 100))
    await second.park()
    using third = await runtime.restore(await second.capture())
    await second.append(before.subarray(0, 200))
    second.dispose()
    const logits = await third.append(tokens.subarray(100), { logits: 'all' })
    expect(digestLogits(logits)).toBe(digestLogits(expected.subarray(100 * 2048)))
    expect(digestState(await third.capture())).toBe(digestState(await alone.capture()))
  })
})
