import { describe, expect, it } from 'vitest'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { Pool } from '#engine/live/pool.ts'

const what = (load: () => Promise<string>, bytes = 10) => ({ label: 'a state', bytes, cost: 64, load })

describe('a pool', () => {
  it('loads a thing once, however many ask for it at the same time, and counts hits and misses', async () => {
    const pool = new Pool<string>(new MemoryTier('warm', { budget: 100 }))
    let loads = 0
    const load = async () => `${++loads}`
    const asked = await Promise.all([pool.get('a', what(load)), pool.get('a', what(load)), pool.get('a', what(load))])
    expect(asked.map(({ value }) => value)).toEqual(['1', '1', '1'])
    expect(await pool.get('a', what(load))).toEqual({ value: '1', loaded: false })
    expect([loads, pool.hits, pool.misses]).toEqual([1, 1, 3])
  })

  it('keeps nothing of a load that failed, and tries again', async () => {
    const pool = new Pool<string>(new MemoryTier('warm', { budget: 100 }))
    await expect(
      pool.get(
        'a',
        what(() => Promise.reject(new Error('damaged'))),
      ),
    ).rejects.toThrow('damaged')
    expect(pool.has('a')).toBe(false)
    expect(
      (
        await pool.get(
          'a',
          what(async () => 'read again'),
        )
      ).value,
    ).toBe('read again')
  })

  it('gives up what no longer fits, and loads it again when it is asked for', async () => {
    const tier = new MemoryTier('warm', { budget: 25 })
    const pool = new Pool<string>(tier)
    for (const key of ['a', 'b', 'c'])
      await pool.get(
        key,
        what(async () => key),
      )
    expect(tier.bytes).toBe(20)
    expect(['a', 'b', 'c'].filter(key => pool.has(key))).toHaveLength(2)
    expect(
      (
        await pool.get(
          'a',
          what(async () => 'a'),
        )
      ).value,
    ).toBe('a')
    pool.forget('a')
    expect(tier.bytes).toBeLessThanOrEqual(20)
    expect(pool.has('a')).toBe(false)
  })
})
