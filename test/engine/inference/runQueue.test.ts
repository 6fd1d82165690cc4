import { describe, expect, it } from 'vitest'
import { createRunQueue } from '#engine/inference/runQueue.ts'

describe('the queue of a runtime', () => {
  const orderOf = async (asked: readonly (number | 'step' | 'first step')[]) => {
    const enqueue = createRunQueue()
    const order: string[] = []
    await Promise.all(
      asked.map((turn, index) =>
        enqueue(async () => void order.push(`${turn} #${index}`), typeof turn === 'string' ? turn : { tokens: turn }),
      ),
    )
    return order
  }

  it('alternates between steps and full chunks where both wait, and keeps the order within each', async () => {
    const order = await orderOf([128, 128, 128, 'step', 'step'])
    expect(order).toEqual(['128 #0', 'step #3', '128 #1', 'step #4', '128 #2'])
  })

  it('reads short chunks together between two steps, up to the length of a full one', async () => {
    const order = await orderOf([2, 40, 33, 20, 128, 'step', 2, 'step', 'step'])
    expect(order).toEqual(['2 #0', '40 #1', '33 #2', 'step #5', '20 #3', 'step #7', '128 #4', 'step #8', '2 #6'])
  })

  it('reads eight short texts before a first step, and no more of anything else than before any step', async () => {
    const short = Array.from({ length: 10 }, () => 5)
    const order = await orderOf(['first step', ...short, 'step'])
    expect(order.map(turn => turn.split(' #')[0])).toEqual([
      ...short.slice(0, 8).map(String),
      'first step',
      '5',
      '5',
      'step',
    ])
    expect(await orderOf(['first step', 5, 100, 5])).toEqual(['5 #1', 'first step #0', '100 #2', '5 #3'])
  })

  it('chooses what goes next once whoever came during a run is there', async () => {
    const enqueue = createRunQueue()
    const order: string[] = []
    const run = (name: string) => async () => void order.push(name)
    // As requests come: a turn of the event loop later than what is asked for in the run itself.
    const late = Promise.withResolvers<void>()
    const first = enqueue(
      async () => {
        setImmediate(() => late.resolve(enqueue(run('text that came meanwhile'), { tokens: 5 })))
        order.push('text')
      },
      { tokens: 5 },
    ).then(() => enqueue(run('its first step'), 'first step'))
    await Promise.all([first, late.promise])
    expect(order).toEqual(['text', 'text that came meanwhile', 'its first step'])
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
