/** The line itself: order, lanes, what stops it, and that it holds nothing of what waits. */
import { expect, it } from 'vitest'
import { JobQueue } from '#engine/jobs/jobQueue.ts'
import type { Performers } from '#engine/jobs/performJob.ts'
import { secondsLeft } from '#engine/jobs/remaining.ts'
import { ProcessLock } from '#engine/processLock.ts'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'
import type { NewJob } from '#shared/rpc/methods/jobs.ts'
import { arraysHeld } from '../../bench/arraysHeld.ts'
import { openTestStore } from '../store/fixture.ts'

async function openQueue(perform: Partial<Performers>) {
  const store = await openTestStore()
  const queue = new JobQueue({
    rows: store.library.jobs,
    settings: store.library.settings,
    lock: () => new ProcessLock(store.parts.layout.jobsLock),
    perform: { read: async () => {}, download: async () => {}, import: async () => {}, ...perform },
    onChange: () => {},
    onIdle: () => {},
  })
  return { queue, store }
}
const read = (title: string, bytes = 10): NewJob => ({
  title,
  task: { kind: 'read', model: 'm', template: false, split: false, check: false },
  sources: [{ name: title, bytes: new Uint8Array(bytes) }],
})
const download = (hubId: string): NewJob => ({
  ...{ title: hubId, task: { kind: 'download', hubId, revision: 'main', source: 'hub' }, sources: [] },
})
const idle = (queue: JobQueue) =>
  expect.poll(() => queue.status().counts, { interval: 5 }).toMatchObject({ waiting: 0, running: 0 })

it('works through each lane in order, one at a time, beside the other lane', async () => {
  const order: string[] = []
  let atOnce = 0
  let most = 0
  const work = async (title: string) => {
    most = Math.max(most, ++atOnce)
    order.push(title)
    await new Promise(resolve => setTimeout(resolve, 5))
    atOnce -= 1
  }
  const { queue } = await openQueue({
    read: (_, { sources }) => work(sources()[0]?.name ?? ''),
    download: ({ hubId }) => work(hubId),
  })
  queue.add([read('a'), read('b'), download('x/y'), read('c')])
  queue.add([download('x/z')])
  await idle(queue)
  expect(order.filter(title => !title.includes('/'))).toEqual(['a', 'b', 'c'])
  expect(order.filter(title => title.includes('/'))).toEqual(['x/y', 'x/z'])
  expect(most).toBe(2)
  await queue.close()
})

it('what is added at the very moment at which the line empties is not forgotten', async () => {
  const { queue } = await openQueue({})
  for (let turns = 0; turns < 40; turns++) {
    queue.add([read('first', 1)])
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    queue.add([read('at the end', 1)])
    await idle(queue)
  }
  await queue.close()
})

it('one that is tried again comes before those that were added after it', async () => {
  const order: string[] = []
  const { queue } = await openQueue({
    read: async (_, { sources }) => {
      const name = sources()[0]?.name ?? ''
      order.push(name)
      if (order.length === 1) throw new StatePackError('E_INFERENCE', 'once')
    },
  })
  const [a = -1] = queue.add([read('a')])
  await idle(queue)
  queue.pause(true)
  queue.add([read('b')])
  expect(queue.retry({ ids: [a], split: false })).toBe(1)
  queue.pause(false)
  await idle(queue)
  expect(order).toEqual(['a', 'a', 'b'])
  await queue.close()
})

it.each(['E_DISK_FULL', 'E_READ_ONLY', 'E_DEVICE'] satisfies ErrorCode[])(
  '%s pauses the line instead of failing everything in it',
  async code => {
    let mended = false
    const { queue } = await openQueue({
      read: async () => {
        if (!mended) throw new StatePackError(code, code)
      },
    })
    queue.add(Array.from({ length: 20 }, (_, i) => read(`${i}`)))
    await expect.poll(() => queue.status()).toMatchObject({ paused: true, counts: { failed: 1, waiting: 19 } })
    mended = true
    queue.retry({ states: ['failed'], split: false })
    queue.pause(false)
    await idle(queue)
    expect(queue.status().counts).toMatchObject({ done: 20, failed: 0 })
    await queue.close()
  },
)

it('holds nothing of 500 documents that wait, and answers in pages', async () => {
  const { queue } = await openQueue({})
  queue.pause(true)
  const before = await arraysHeld()
  for (let i = 0; i < 10; i++) queue.add(Array.from({ length: 50 }, (_, n) => read(`document ${i * 50 + n}`, 50_000)))
  expect((await arraysHeld()) - before).toBeLessThan(2_000_000)
  expect(queue.status()).toMatchObject({ counts: { waiting: 500 }, round: { total: 500, ended: 0, share: 0 } })
  expect(JSON.stringify(queue.status()).length).toBeLessThan(1000)
  const { total, jobs } = queue.list({ offset: 450, limit: 100 })
  expect([total, jobs.length, jobs[0]?.title]).toEqual([500, 50, 'document 450'])
  queue.pause(false)
  await idle(queue)
  expect(queue.status().round).toEqual({ total: 500, ended: 500, share: 1 })
  await queue.close()
})

it('a new round forgets what was done in the one before, and no failure', async () => {
  const { queue } = await openQueue({
    read: async (_, { sources }) => {
      if (sources()[0]?.name === 'bad') throw new StatePackError('E_NOT_TEXT', 'no')
    },
  })
  queue.add([read('a'), read('bad')])
  await idle(queue)
  expect(queue.status().round.total).toBe(2)
  queue.add([read('b')])
  await idle(queue)
  expect(queue.status()).toMatchObject({ round: { total: 1, ended: 1 }, counts: { done: 1, failed: 1 } })
  await queue.close()
})

it('what is left takes as long as what was measured, lanes beside each other; unmeasured, nobody knows', () => {
  const running = { lane: 'read', pace: 'slow', size: 100, share: 0.5, seconds: 10, etaSeconds: null }
  const waiting = [{ lane: 'read', pace: 'fast', size: 1000 }]
  const measured = [{ pace: 'fast', size: 500, seconds: 5 }]
  expect(secondsLeft({ running: [running], waiting, measured })).toBeCloseTo(10 + 10)
  const downloading = { lane: 'download', pace: 'd', size: 0, share: 0.1, seconds: 1, etaSeconds: 90 }
  expect(secondsLeft({ running: [running, downloading], waiting, measured })).toBeCloseTo(90)
  expect(secondsLeft({ running: [running], waiting, measured: [] })).toBeNull()
  expect(secondsLeft({ running: [{ ...running, share: 0 }], waiting: [], measured: [] })).toBeNull()
  expect(secondsLeft({ running: [], waiting: [], measured })).toBeNull()
})
