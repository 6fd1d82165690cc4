/** The API in front of a real engine on the starter models. */
import { type ApiOptions, type ApiServer, startApiServer } from '#hosts/api/apiServer.ts'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { openTestEngine, type TestEngine } from '../../engine/testEngine.ts'

export interface TestApi extends TestEngine {
  readonly api: ApiServer
  /** `fetch` with the token and JSON. */
  send(path: string, body?: unknown, init?: RequestInit): Promise<Response>
  /** The same, and what it says: tests look into answers as any client would, unchecked. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any route
  ask(path: string, body?: unknown): Promise<{ status: number; json: any }>
}

export async function startTestApi(
  options: Partial<ApiOptions> = {},
  engineOptions: Parameters<typeof openTestEngine>[0] = {},
  /** Stands between server and engine. */
  between: (engine: Transport) => Transport = engine => engine,
): Promise<TestApi> {
  const hub = createEventHub()
  const test = await openTestEngine({ onEvent: hub.emit, ...engineOptions })
  const transport = between(createInProcessTransport(dispatch(test.engine.handlers), hub))
  const idle = { inFlight: 0, waiting: 0, maxWaiting: null, restarts: 0 }
  const health = () => ({ state: 'ready' as const, reason: null, ...idle })
  const api = await startApiServer({ transport, health, ...options })
  const send: TestApi['send'] = (path, body, init = {}) =>
    fetch(`${api.address}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      body: body === undefined ? null : JSON.stringify(body),
      ...init,
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json', ...init.headers },
    })
  return {
    ...test,
    api,
    send,
    async ask(path, body) {
      const response = await send(path, body)
      return { status: response.status, json: await response.json() }
    },
    async close() {
      await api.close()
      await test.close()
    },
  }
}

/** The events of a server-sent stream, `data` as JSON where it is. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of any event
export async function readEvents(response: Response): Promise<{ event: string; data: any }[]> {
  const blocks = (await response.text()).split('\n\n').filter(block => block !== '')
  return blocks.map(block => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
    const data = field('data')
    return { event: field('event'), data: data.startsWith('{') ? JSON.parse(data) : data }
  })
}
