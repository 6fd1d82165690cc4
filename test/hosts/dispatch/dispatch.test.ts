import { describe, expect, it } from 'vitest'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { Progress } from '#shared/rpc/progress.ts'

const handlers: Partial<Handlers> = {
  'library.gc': async ({ dryRun }) => ({ blobs: 1, bytes: 2, packets: 3, dryRun }),
  'packets.tensor': async () => ({ shape: [2], values: new Float32Array([1, 2]) }),
  'models.remove': async ({ id }) => {
    if (id === 'typed') throw new StatePackError('E_UNKNOWN_MODEL', 'There is no such model.', { id })
    if (id === 'full') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    if (id === 'odd') throw 'a string'
    return { removed: 'yes' as unknown as boolean }
  },
  'answers.get': async () => ({ response: { nested: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) } }),
  'savings.reset': (_input, { signal, progress }) =>
    new Promise((_resolve, reject) => {
      progress({ phase: 'waiting', done: 0 })
      signal.addEventListener('abort', () => reject(signal.reason))
    }),
}
const dispatcher = dispatch(handlers)
const codeOf = async (method: string, input: unknown) => {
  const result = await dispatcher.call(method, input)
  return result.ok ? 'ok' : result.error.code
}

describe('dispatch', () => {
  it('fills in defaults of the contract before the handler runs', async () => {
    expect(await dispatcher.call('library.gc', {})).toEqual({
      ok: true,
      data: { blobs: 1, bytes: 2, packets: 3, dryRun: false },
    })
  })

  it('names the field that is wrong and does not repeat what it holds', async () => {
    const result = await dispatcher.call('packets.create', {})
    expect(result).toMatchObject({ ok: false, error: { code: 'E_NOT_FOUND' } })
    const own = dispatch({ 'packets.create': async () => Promise.reject(new Error('not reached')) })
    const bad = await own.call('packets.create', {
      model: 'm',
      sources: [{ text: 'fine' }, { text: { secret: 'the canary sings' } }],
    })
    expect(bad).toMatchObject({
      ok: false,
      error: { code: 'E_BAD_INPUT', details: { method: 'packets.create', field: 'sources[1].text' } },
    })
    expect(JSON.stringify(bad)).not.toContain('canary')
  })

  it.each(['library', 'no.such', '__proto__', 'constructor', 'toString', ''])('has no method %j', async method => {
    expect(await codeOf(method, {})).toBe('E_NOT_FOUND')
  })

  it.each([null, 7, 'text', [], { extra: 1 }, { olderThanDays: -1 }, { dryRun: 'yes' }])(
    'refuses %j as input',
    async input => {
      expect(await codeOf('library.gc', input)).toBe('E_BAD_INPUT')
    },
  )

  it('turns whatever a handler throws into a value with a code', async () => {
    expect(await codeOf('models.remove', { id: 'typed' })).toBe('E_UNKNOWN_MODEL')
    expect(await codeOf('models.remove', { id: 'full' })).toBe('E_DISK_FULL')
    expect(await codeOf('models.remove', { id: 'odd' })).toBe('E_INTERNAL')
  })

  it('does not let an answer out that breaks the contract', async () => {
    expect(await codeOf('models.remove', { id: 'wrong' })).toBe('E_INTERNAL')
  })

  it('reports progress per call and cancels', async () => {
    const cancel = new AbortController()
    const reports: Progress[] = []
    const running = dispatcher.call(
      'savings.reset',
      {},
      { signal: cancel.signal, onProgress: progress => reports.push(progress) },
    )
    cancel.abort()
    expect(await running).toMatchObject({ ok: false, error: { code: 'E_CANCELLED' } })
    expect(reports).toEqual([{ phase: 'waiting', done: 0 }])
    // Whatever its owner says was the reason.
    for (const reason of [undefined, 'enough', new DOMException('late', 'TimeoutError')])
      expect(await dispatcher.call('savings.reset', {}, { signal: AbortSignal.abort(reason) })).toMatchObject({
        error: { code: 'E_CANCELLED' },
      })
  })
})

describe('the in-process transport', () => {
  const hub = createEventHub()
  const transport = createInProcessTransport(dispatcher, hub)

  it('serialises: both sides share no object, typed arrays stay typed', async () => {
    const shared = new Float32Array([1])
    const own = createInProcessTransport(
      dispatch({ 'packets.tensor': async () => ({ shape: [1], values: shared }) }),
      hub,
    )
    const result = await own.call('packets.tensor', { ref: 'a', tensor: 'key', layer: 0 }, {})
    expect(result).toEqual({ ok: true, data: { shape: [1], values: new Float32Array([1]) } })
    shared[0] = 5
    expect(result).toEqual({ ok: true, data: { shape: [1], values: new Float32Array([1]) } })
  })

  it('refuses what cannot be serialised', async () => {
    expect(await transport.call('library.gc', { dryRun: () => true }, {})).toMatchObject({
      ok: false,
      error: { code: 'E_BAD_INPUT' },
    })
  })

  it('does not blame the input for an answer that cannot be serialised', async () => {
    expect(await transport.call('answers.get', { id: 'resp_1' }, {})).toMatchObject({
      ok: false,
      error: { code: 'E_INTERNAL' },
    })
  })

  it('hands events to every listener, also after one of them threw', () => {
    const seen: string[] = []
    const stopFirst = transport.subscribe(() => {
      throw new Error('a broken listener')
    })
    const stop = transport.subscribe(name => seen.push(name))
    hub.emit('models.changed', {})
    stop()
    stopFirst()
    hub.emit('models.changed', {})
    expect(seen).toEqual(['models.changed'])
  })
})
