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
const made = (packetId: string, spotChecks: unknown = null): Result<unknown> => ({
  ok: true,
  data: { cartridge: { packetId, spotChecks } },
})
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
  calls[1]?.settle(made('b'))
  await settled()
  // What it recalls is checked before the next text is read.
  expect(calls[2]).toMatchObject({ method: 'packets.spotCheck', input: { ref: 'b' } })
  expect(states()).toEqual(['failed', 'running', 'waiting'])
  calls[2]?.settle({ ok: true, data: { recalled: 7, checked: 10, tried: 12, seconds: 1 } })
  await settled()
  expect(states()).toEqual(['failed', 'done', 'running'])
  expect(queue.getState().jobs[1]?.created[0]?.cartridge.spotChecks).toEqual({ recalled: 7, checked: 10 })
  expect(calls.length).toBe(4)
})

test('cancelling the check keeps the cartridge, unchecked; one that was checked is not checked again', async () => {
  const { calls, queue } = engine()
  queue.getState().add('a', order('a'))
  queue.getState().add('b', order('b'))
  calls[0]?.settle(made('a'))
  await settled()
  queue.getState().cancel(queue.getState().jobs[0]?.id ?? -1)
  await settled()
  const [a] = queue.getState().jobs
  expect(a?.status).toBe('done')
  expect(a?.created[0]?.cartridge).toMatchObject({ packetId: 'a', spotChecks: null })
  calls[2]?.settle(made('b', { recalled: 1, checked: 2 }))
  await settled()
  expect(queue.getState().jobs[1]?.status).toBe('done')
  expect(calls.map(({ method }) => method)).toEqual(['packets.create', 'packets.spotCheck', 'packets.create'])
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
  const parts = ['1', '2'].map(packetId => ({ cartridge: { packetId, spotChecks: { recalled: 1, checked: 1 } } }))
  calls[1]?.settle({ ok: true, data: { parts } })
  await settled()
  expect(queue.getState().jobs[0]?.created.length).toBe(2)
})
