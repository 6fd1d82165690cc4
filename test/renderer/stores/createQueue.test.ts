import { expect, test } from 'vitest'
import type { ErrorCode } from '#shared/domain/error.ts'
import { createClient } from '#shared/rpc/client.ts'
import type { Result } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { createCreateQueue } from '../../../renderer/stores/createQueue.ts'

function engine() {
  const calls: {
    readonly method: string
    readonly input: unknown
    readonly settle: (result: Result<unknown>) => void
  }[] = []
  const transport: Transport = {
    call: (method, input, { signal }) =>
      new Promise(resolve => {
        signal?.addEventListener('abort', () => resolve(failure('E_CANCELLED')))
        calls.push({ method, input, settle: resolve })
      }),
    subscribe: () => () => {},
  }
  return { calls, queue: createCreateQueue(createClient(transport)) }
}
const failure = (code: ErrorCode): Result<unknown> => ({ ok: false, error: { code, message: code, details: {} } })
const settled = () => new Promise(resolve => setTimeout(resolve, 5))
const order = (name: string) => ({ how: 'whole' as const, input: { model: 'm', sources: [{ name, text: name }] } })

test('reads one text at a time, in order; one that fails does not stop the others', async () => {
  const { calls, queue } = engine()
  for (const name of ['a', 'b', 'c']) queue.getState().add(name, order(name))
  const states = () => queue.getState().jobs.map(job => job.status)
  expect(states()).toEqual(['running', 'waiting', 'waiting'])
  calls[0]?.settle(failure('E_INFERENCE'))
  await settled()
  expect(states()).toEqual(['failed', 'running', 'waiting'])
  calls[1]?.settle({ ok: true, data: {} })
  await settled()
  expect(states()).toEqual(['failed', 'done', 'running'])
  expect(calls.length).toBe(3)
})

test('cancelling stops the running call, and takes a waiting one out of the line', async () => {
  const { calls, queue } = engine()
  for (const name of ['a', 'b', 'c']) queue.getState().add(name, order(name))
  const [a, b] = queue.getState().jobs
  queue.getState().cancel(b?.id ?? -1)
  queue.getState().cancel(a?.id ?? -1)
  await settled()
  expect(queue.getState().jobs.map(job => job.status)).toEqual(['cancelled', 'cancelled', 'running'])
  expect(calls.length).toBe(2)
})

test('a text that is too long can be split, and only then', async () => {
  const { calls, queue } = engine()
  queue.getState().add('long', order('long'))
  calls[0]?.settle(failure('E_CONTEXT_LENGTH'))
  await settled()
  queue.getState().split(queue.getState().jobs[0]?.id ?? -1)
  expect(calls[1]?.method).toBe('packets.createSplit')
  calls[1]?.settle({ ok: true, data: { parts: [{}, {}] } })
  await settled()
  expect(queue.getState().jobs[0]?.created.length).toBe(2)
})
