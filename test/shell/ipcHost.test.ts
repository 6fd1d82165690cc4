import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import type { Result } from '#shared/rpc/result.ts'
import { startIpcHost } from '../../electron/shell/ipcHost.ts'

type Handler = (event: unknown, message: unknown) => unknown

/** Electron's side of the IPC, as far as the host uses it: handlers by channel, windows that record what they are sent. */
function startHost() {
  const handlers = new Map<string, Handler>()
  let calls = 0
  const hub = createEventHub()
  const dispatcher = dispatch({
    'library.gc': async ({ dryRun }) => {
      calls += 1
      return { blobs: 0, bytes: 0, packets: 0, dryRun }
    },
    'savings.reset': (_input, { signal, progress }) =>
      new Promise((_resolve, reject) => {
        calls += 1
        progress({ phase: 'waiting' })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  })
  const makeWindow = (url = 'app://studio/index.html') => {
    const sent: { channel: string; message: unknown }[] = []
    const mainFrame = { url }
    const contents = {
      mainFrame,
      isDestroyed: () => false,
      send: (channel: string, message: unknown) => sent.push({ channel, message }),
    }
    return { contents, mainFrame, sent, event: { sender: contents, senderFrame: mainFrame } }
  }
  const own = new Set<unknown>()
  const host = startIpcHost({
    ipcMain: {
      handle: (channel: string, handler: Handler) => void handlers.set(channel, handler),
      on: (channel: string, handler: Handler) => void handlers.set(channel, handler),
    } as never,
    transport: createInProcessTransport(dispatcher, hub),
    status: () => ({ state: 'ready' }),
    isOwnWindow: contents => own.has(contents),
  })
  const window = makeWindow()
  own.add(window.contents)
  const invoke = (event: unknown, message: unknown) =>
    handlers.get('statepack:call')?.(event, message) as Promise<Result<unknown>>
  const send = (channel: string, event: unknown, message: unknown) => handlers.get(channel)?.(event, message)
  return { host, hub, handlers, window, makeWindow, own, invoke, send, calls: () => calls }
}

const codeOf = (result: Result<unknown>) => (result.ok ? 'ok' : result.error.code)
const settledSoon = () => new Promise(resolve => setImmediate(resolve))

describe('the IPC host', () => {
  it('answers its own page', async () => {
    const { invoke, window } = startHost()
    expect(await invoke(window.event, { id: 1, method: 'library.gc', input: {} })).toMatchObject({ ok: true })
  })

  it('refuses 5,000 fuzzed calls cleanly: a value with a code, nothing thrown, nothing run', async () => {
    const { invoke, send, window, makeWindow, own, calls } = startHost()
    const foreignPages = ['https://evil.example/', 'app://evil/', 'file:///x', 'about:blank', '', 'app://studio.evil/']
    const stranger = makeWindow()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.anything({ withTypedArray: true, withMap: true, withSet: true, withBigInt: true, withDate: true }),
          fc.record({ id: fc.anything(), method: fc.anything(), input: fc.anything() }, { requiredKeys: [] }),
          fc.record({ id: fc.nat(), method: fc.string(), input: fc.anything() }),
          fc.record({
            id: fc.nat(),
            method: fc.constantFrom('library.gc', '__proto__', 'constructor'),
            input: fc.string(),
          }),
        ),
        fc.nat(8),
        fc.constantFrom(...foreignPages),
        async (message, kind, page) => {
          let { event } = window
          if (kind === 0) event = stranger.event
          else if (kind === 1) event = { sender: window.contents, senderFrame: { url: 'app://studio/index.html' } }
          else if (kind === 2) event = { sender: window.contents, senderFrame: null as never }
          else if (kind === 3) {
            const elsewhere = makeWindow(page)
            own.add(elsewhere.contents)
            event = elsewhere.event
          }
          expect(codeOf(await invoke(event, message))).toMatch(/^E_(FORBIDDEN|BAD_INPUT|NOT_FOUND|CONFLICT)$/)
          expect(() => send('statepack:post', event, message)).not.toThrow()
          expect(() => send('statepack:listen', event, message)).not.toThrow()
        },
      ),
      { numRuns: 5000 },
    )
    expect(calls()).toBe(0)
  })

  it('would run a well-formed call of a foreign page if it did not look at the sender', async () => {
    // The negative control: the same message from the right and from the wrong sender.
    const { invoke, window, makeWindow, calls } = startHost()
    const message = { id: 7, method: 'library.gc', input: {} }
    expect(codeOf(await invoke(makeWindow().event, message))).toBe('E_FORBIDDEN')
    expect(calls()).toBe(0)
    expect(codeOf(await invoke(window.event, message))).toBe('ok')
    expect(calls()).toBe(1)
  })

  it('cancels one call of one window, and all of a window whose page is gone', async () => {
    const { invoke, send, window, makeWindow, own, host } = startHost()
    const other = makeWindow()
    own.add(other.contents)
    const call = (id: number, from = window) => invoke(from.event, { id, method: 'savings.reset', input: {} })
    const [one, two, theirs] = [call(1), call(2), call(1, other)]
    await settledSoon()
    expect(codeOf(await call(1))).toBe('E_CONFLICT')
    send('statepack:post', window.event, { kind: 'cancel', id: 1 })
    expect(codeOf(await one)).toBe('E_CANCELLED')
    host.pageGone(window.contents as never)
    expect(codeOf(await two)).toBe('E_CANCELLED')
    const again = call(2)
    await settledSoon()
    host.windowGone(other.contents as never)
    expect(codeOf(await theirs)).toBe('E_CANCELLED')
    send('statepack:post', window.event, { kind: 'cancel', id: 2 })
    expect(codeOf(await again)).toBe('E_CANCELLED')
  })

  it('tells a window what it listens to: the engine’s state at once, requests that waited, progress by call', async () => {
    const { invoke, send, window, host, hub } = startHost()
    hub.emit('models.changed', {})
    host.open(window.contents as never, { kind: 'go', route: '/library' })
    expect(window.sent).toEqual([])
    send('statepack:listen', window.event, { kind: 'event' })
    hub.emit('models.changed', {})
    send('statepack:listen', window.event, { kind: 'open' })
    host.open(window.contents as never, { kind: 'command', command: 'palette' })
    void invoke(window.event, { id: 4, method: 'savings.reset', input: {} })
    await settledSoon()
    expect(window.sent.map(({ message }) => message)).toEqual([
      { kind: 'event', name: 'engine.status', data: { state: 'ready' } },
      { kind: 'event', name: 'models.changed', data: {} },
      { kind: 'open', request: { kind: 'go', route: '/library' } },
      { kind: 'open', request: { kind: 'command', command: 'palette' } },
      { kind: 'progress', id: 4, progress: { phase: 'waiting' } },
    ])
    expect(window.sent.every(({ channel }) => channel === 'statepack:message')).toBe(true)
  })

  it('keeps what a page was to open over its reload', () => {
    const { send, window, host } = startHost()
    host.open(window.contents as never, { kind: 'go', route: '/new' })
    host.pageGone(window.contents as never)
    send('statepack:listen', window.event, { kind: 'open' })
    expect(window.sent).toHaveLength(1)
  })
})
