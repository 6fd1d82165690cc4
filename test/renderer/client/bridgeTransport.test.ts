import { describe, expect, it } from 'vitest'
import type { Answer, CallerMessage } from '#shared/rpc/wire.ts'
import type { Bridge, BridgeMessage } from '../../../renderer/client/bridge.ts'
import { createBridgeTransport } from '../../../renderer/client/bridgeTransport.ts'

/** A preload bridge whose other side a test plays. */
function makeBridge() {
  const listeners = new Set<(message: BridgeMessage) => void>()
  const calls: {
    id: number
    method: string
    input: unknown
    answer: (answer: Answer) => void
    fail: (e: Error) => void
  }[] = []
  const posted: CallerMessage[] = []
  const bridge: Bridge = {
    call: (id, method, input) => new Promise((answer, fail) => calls.push({ id, method, input, answer, fail })),
    post: message => void posted.push(message),
    pathOf: () => '',
    subscribe: (kind, listener) => {
      const own = (message: BridgeMessage) => {
        if (message.kind === kind) listener(message as never)
      }
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
  const tell = (message: BridgeMessage) => {
    for (const listener of listeners) listener(message)
  }
  return { bridge, calls, posted, tell }
}

describe('the bridge transport', () => {
  it('keeps concurrent calls apart: each gets its own progress and answer', async () => {
    const { bridge, calls, tell } = makeBridge()
    const transport = createBridgeTransport(bridge)
    const seen: Record<string, string[]> = { a: [], b: [] }
    const a = transport.call('models.list', {}, { onProgress: p => seen.a?.push(p.phase) })
    const b = transport.call('library.list', { query: 'x' }, { onProgress: p => seen.b?.push(p.phase) })
    await Promise.resolve()
    expect(calls.map(call => [call.method, call.input])).toEqual([
      ['models.list', {}],
      ['library.list', { query: 'x' }],
    ])
    const [first, second] = calls
    tell({ kind: 'progress', id: second?.id ?? 0, progress: { phase: 'two' } })
    tell({ kind: 'progress', id: first?.id ?? 0, progress: { phase: 'one' } })
    second?.answer({ ok: true, data: 2, items: 0 })
    first?.answer({ ok: false, items: 0, error: { code: 'E_NOT_FOUND', message: 'no', details: { x: 1 } } })
    expect(await b).toEqual({ ok: true, data: 2 })
    expect(await a).toEqual({ ok: false, error: { code: 'E_NOT_FOUND', message: 'no', details: { x: 1 } } })
    tell({ kind: 'progress', id: first?.id ?? 0, progress: { phase: 'late' } })
    expect(seen).toEqual({ a: ['one'], b: ['two'] })
  })

  it('cancels through the bridge while a call runs, and never starts one that was cancelled before', async () => {
    const { bridge, calls, posted } = makeBridge()
    const transport = createBridgeTransport(bridge)
    const cancel = new AbortController()
    const running = transport.call('models.list', {}, { signal: cancel.signal })
    await Promise.resolve()
    cancel.abort()
    expect(posted).toEqual([{ kind: 'cancel', id: calls[0]?.id }])
    calls[0]?.answer({ ok: false, items: 0, error: { code: 'E_CANCELLED', message: 'Cancelled.', details: {} } })
    expect(await running).toMatchObject({ error: { code: 'E_CANCELLED' } })
    expect(await transport.call('models.list', {}, { signal: cancel.signal })).toMatchObject({
      error: { code: 'E_CANCELLED' },
    })
    expect(calls).toHaveLength(1)
  })

  it('turns a broken bridge into a value, and hands on events until it is told to stop', async () => {
    const { bridge, calls, tell } = makeBridge()
    const transport = createBridgeTransport(bridge)
    const running = transport.call('models.list', {}, {})
    await Promise.resolve()
    calls[0]?.fail(new Error('the window is closing'))
    expect(await running).toMatchObject({ ok: false, error: { code: 'E_INTERNAL' } })
    const names: string[] = []
    const stop = transport.subscribe(name => names.push(name))
    tell({ kind: 'event', name: 'models.changed', data: {} })
    stop()
    tell({ kind: 'event', name: 'models.changed', data: {} })
    expect(names).toEqual(['models.changed'])
  })
})
