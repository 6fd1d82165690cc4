import { focusManager, onlineManager, type QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { createClient, type Input } from '#shared/rpc/client.ts'
import type { EventData, EventName } from '#shared/rpc/events.ts'
import type { Result } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { createQueries } from '../../../renderer/stores/createQueries.ts'
import { read } from '../../../renderer/stores/read.ts'
import { CHANGE_EVENTS, type ReadMethod, staleBy } from '../../../renderer/stores/reads.ts'

interface Call {
  readonly method: string
  readonly input: unknown
  readonly signal: AbortSignal | undefined
  /** Answers with how many calls there were before it. */
  readonly answer: () => void
  readonly refuse: (error: StatePackError) => void
}

/** The cache over a transport that notes its calls, whose answers a test releases. */
function openWindow() {
  const calls: Call[] = []
  const listeners = new Set<(name: EventName, data: unknown) => void>()
  const transport: Transport = {
    call: (method, input, { signal }) =>
      new Promise<Result<unknown>>(resolve => {
        const data = { number: calls.length }
        calls.push({
          ...{ method, input, signal },
          answer: () => resolve({ ok: true, data }),
          refuse: error => resolve({ ok: false, error: toErrorValue(error) }),
        })
      }),
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    calls,
    queries: createQueries(createClient(transport)),
    emit: <N extends EventName>(name: N, data: EventData<N>) => {
      for (const listener of listeners) listener(name, data)
    },
  }
}

/** A view of something, which is on screen until it is left. */
function view<M extends ReadMethod>(queries: QueryClient, method: M, input: Input<M>) {
  const observer = new QueryObserver(queries, read(method, input))
  const leave = observer.subscribe(() => undefined)
  return { leave, result: () => observer.getCurrentResult() }
}
const soon = (milliseconds = 1) => vi.advanceTimersByTimeAsync(milliseconds)
/** Milliseconds; longer than events are gathered and reads rest. */
const LONG = 1_000
const RECEIPT = `sha256:${'0'.repeat(64)}`

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('views of the same thing share one call and one answer', async () => {
  const { calls, queries } = openWindow()
  const first = view(queries, 'models.list', {})
  const second = view(queries, 'models.list', {})
  view(queries, 'library.get', { ref: 'a' })
  view(queries, 'library.get', { ref: 'b' })
  expect(calls.map(({ method, input }) => [method, input])).toEqual([
    ['models.list', {}],
    ['library.get', { ref: 'a' }],
    ['library.get', { ref: 'b' }],
  ])
  for (const { answer } of calls) answer()
  await soon()
  expect(first.result().data).toBe(second.result().data)
  // It is on screen, and kept current: a third view asks for nothing.
  const third = view(queries, 'models.list', {})
  await soon(LONG)
  expect(third.result().data).toEqual({ number: 0 })
  expect(calls.length).toBe(3)
})

test('what nobody looks at any more is shown at once and read again; what has a digest for its name is not', async () => {
  const { calls, queries } = openWindow()
  const left = [view(queries, 'library.get', { ref: 'a' }), view(queries, 'receipts.trace', { id: RECEIPT })]
  for (const { answer } of calls) answer()
  await soon()
  for (const { leave } of left) leave()
  await soon(LONG)
  const again = view(queries, 'library.get', { ref: 'a' })
  expect(again.result()).toMatchObject({ data: { number: 0 }, isFetching: true })
  const trace = view(queries, 'receipts.trace', { id: RECEIPT })
  expect(trace.result()).toMatchObject({ data: { number: 1 }, isFetching: false })
  expect(calls.map(({ method }) => method)).toEqual(['library.get', 'receipts.trace', 'library.get'])
})

test('an event makes the engine say again what it made stale, once for many events, and nothing else', async () => {
  const { calls, queries, emit } = openWindow()
  const list = view(queries, 'library.list', {})
  view(queries, 'memory.status', {})
  view(queries, 'server.status', {})
  for (const { answer } of calls) answer()
  await soon()
  for (let n = 0; n < 5; n++) emit('library.changed', { packetIds: [] })
  emit('memory.changed', {})
  await soon(LONG)
  expect(calls.slice(3).map(({ method }) => method)).toEqual(['library.list', 'memory.status'])
  // The last answer stays until the newer one is here.
  expect(list.result()).toMatchObject({ data: { number: 0 }, isFetching: true })
  calls[3]?.answer()
  await soon()
  expect(list.result()).toMatchObject({ data: { number: 3 }, isFetching: false })
})

test('events that are faster than answers cut none short, and the last change is seen', async () => {
  const { calls, queries, emit } = openWindow()
  const list = view(queries, 'jobs.status', {})
  for (let n = 0; n < 100; n++) {
    emit('jobs.changed', {})
    await soon(20)
  }
  await soon(LONG)
  expect(calls.map(({ signal }) => signal?.aborted)).toEqual([false])
  calls[0]?.answer()
  await soon(LONG)
  expect(list.result().data).toEqual({ number: 0 })
  expect(calls.length).toBe(2)
  calls[1]?.answer()
  await soon(LONG)
  expect(list.result()).toMatchObject({ data: { number: 1 }, isFetching: false })
  expect(calls.length).toBe(2)
})

test('while events go on, what is on screen follows, five times a second at most', async () => {
  const { calls, queries, emit } = openWindow()
  view(queries, 'engine.status', {})
  for (let n = 0; n < 100; n++) {
    emit('receipts.appended', { receiptId: String(n), op: 'infer' })
    for (const { answer } of calls) answer()
    await soon(20)
  }
  expect(calls.length).toBeGreaterThan(8)
  expect(calls.length).toBeLessThanOrEqual(11)
})

test('an engine that is ready again is asked for everything on screen', async () => {
  const { calls, queries, emit } = openWindow()
  view(queries, 'settings.get', {})
  const left = view(queries, 'models.list', {})
  for (const { answer } of calls) answer()
  await soon()
  left.leave()
  emit('engine.status', { state: 'restarting' })
  await soon(LONG)
  expect(calls.length).toBe(2)
  emit('engine.status', { state: 'ready' })
  await soon(LONG)
  expect(calls.slice(2).map(({ method }) => method)).toEqual(['settings.get'])
})

test('a call whose view was left is aborted, unless another waits for its answer', async () => {
  const { calls, queries } = openWindow()
  const one = view(queries, 'library.suggest', { question: 'why' })
  const other = view(queries, 'library.suggest', { question: 'why' })
  one.leave()
  expect(calls[0]?.signal?.aborted).toBe(false)
  other.leave()
  expect(calls[0]?.signal?.aborted).toBe(true)
})

test('a refusal is said as it is and not asked for again; the answer before it stays', async () => {
  const { calls, queries, emit } = openWindow()
  const list = view(queries, 'library.get', { ref: 'a' })
  calls[0]?.answer()
  await soon()
  emit('library.changed', { packetIds: [] })
  await soon(LONG)
  calls[1]?.refuse(new StatePackError('E_NOT_FOUND', 'It is gone.'))
  await soon(60 * LONG)
  expect(list.result()).toMatchObject({ data: { number: 0 }, error: { code: 'E_NOT_FOUND', message: 'It is gone.' } })
  expect(calls.length).toBe(2)
})

test('neither the focus of the window nor the state of the network asks or hinders', async () => {
  const { calls, queries } = openWindow()
  queries.mount()
  onlineManager.setOnline(false)
  try {
    view(queries, 'models.list', {})
    expect(calls.length).toBe(1)
    calls[0]?.answer()
    await soon(LONG)
    onlineManager.setOnline(true)
    focusManager.setFocused(false)
    focusManager.setFocused(true)
    await soon(LONG)
    expect(calls.length).toBe(1)
  } finally {
    onlineManager.setOnline(true)
    focusManager.setFocused(undefined)
    queries.unmount()
  }
})

test('each read is entered once for an event', () => {
  for (const event of CHANGE_EVENTS) expect(new Set(staleBy(event)).size, event).toBe(staleBy(event).length)
})
