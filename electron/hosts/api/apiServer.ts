/** The HTTP API: listens, lets in, hands to the engine's process. Nothing of a model runs where it listens. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Transport } from '#shared/rpc/transport.ts'
import type { EngineHealth } from '../engineProcess/supervisor.ts'
import { admitRequests, guardServer, PATIENCE } from '../loopback/guardServer.ts'
import { type Refusal, refuse as refusal } from '../loopback/requestHead.ts'
import { createApiApp } from './apiApp.ts'
import { createApiGate } from './apiGate.ts'
import { createApiMetrics } from './apiMetrics.ts'
import { errorResponse } from './errorResponse.ts'
import type { RequestJournal } from './requestJournal.ts'

export interface ApiOptions {
  readonly transport: Transport
  /** Answered by this process alone, so a busy engine cannot delay it. */
  readonly health: () => EngineHealth
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string
  /** 0, the default, picks a free one. */
  readonly port?: number
  /** Default: 32 random bytes. */
  readonly token?: string
  /** PEM texts; with them it speaks https. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Bytes of one body; default 16 MiB. */
  readonly bodyLimit?: number
  /** Notes each request. */
  readonly journal?: RequestJournal
  /** How long running requests may take to end when it closes, milliseconds; default 10 s. */
  readonly drainMs?: number
}

export interface ApiServer {
  /** `http://127.0.0.1:PORT` */
  readonly address: string
  readonly port: number
  readonly token: string
  /** From now on callers send this instead; requests that were let in go on. */
  setToken(token: string): void
  /** Takes no more requests, lets the running ones end, cancels those that take too long. */
  close(): Promise<void>
}

const MIB = 1024 * 1024
const CLOSING = refusal(503, 'E_ENGINE_DOWN', 'The server is closing.')

export async function startApiServer(options: ApiOptions): Promise<ApiServer> {
  const { host = '127.0.0.1', token = randomBytes(32).toString('base64url'), tls, bodyLimit = 16 * MIB } = options
  const metrics = createApiMetrics(options.health)
  const closing = new AbortController()
  const { app, routeOf } = createApiApp({ ...options, bodyLimit, metrics, closing: closing.signal })
  const listener = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: false,
  })
  const server: Server = tls === undefined ? createServer(PATIENCE) : createTlsServer({ ...PATIENCE, ...tls })
  guardServer(server, 4096)

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const scheme = tls === undefined ? 'http' : 'https'
  const gateFor = (wanted: string) => createApiGate({ scheme, token: wanted, host, port, bodyLimit })
  let gate = gateFor(token)

  let isClosing = false
  admitRequests(server, {
    gate: head => {
      const verdict = gate(head)
      return verdict.ok && isClosing ? CLOSING : verdict
    },
    refuse(response, refused) {
      options.journal?.refuse(routeOf(response.req), refused)
      refuse(response, refused)
    },
    proceed: listener,
  })

  return {
    port,
    token,
    address: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    setToken(wanted) {
      gate = gateFor(wanted)
    },
    async close() {
      isClosing = true
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeIdleConnections()
      const late = setTimeout(() => closing.abort(), options.drainMs ?? 10_000)
      const latest = setTimeout(() => server.closeAllConnections(), (options.drainMs ?? 10_000) + 2000)
      await closed
      clearTimeout(late)
      clearTimeout(latest)
    },
  }
}

function refuse(response: ServerResponse, refused: Refusal): void {
  const body = JSON.stringify(errorResponse({ code: refused.code, message: refused.message }))
  // The body of a refused request is not read; closing is what tells its sender to stop.
  response.writeHead(refused.status, {
    ...{ 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' },
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
