import { describe, expect, it } from 'vitest'
import { createRunQueue } from '#engine/inference/runQueue.ts'

describe('the queue of a runtime', () => {
  it('alternates between steps and chunks where both wait, and keeps the order within each', async () => {
    const enqueue = createRunQueue()
    const order: string[] = []
    const run = (name: string, lane: 'step' | 'chunk') => enqueue(async () => void order.push(name), lane)
    await Promise.all([
      ...['a', 'b', 'c'].map(name => run(`read ${name}`, 'chunk')),
      ...['1', '2'].map(name => run(`step ${name}`, 'step')),
    ])
    expect(order).toEqual(['read a', 'step 1', 'read b', 'step 2', 'read c'])
  })

  it('runs one at a time, and goes on after a failure', async () => {
    const enqueue = createRunQueue()
    let running = 0
    const task = async (fails: boolean) => {
      running += 1
      expect(running).toBe(1)
      await Promise.resolve()
      running -= 1
      if (fails) throw new Error('failed')
      return 'done'
    }
    const results = await Promise.allSettled([false, true, false].map(fails => enqueue(() => task(fails))))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})
