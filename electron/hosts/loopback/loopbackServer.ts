/** The Studio in a browser window: the built page and the contract, on 127.0.0.1, closed to everything else. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { ERROR_CODES, StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { FRAME_TYPE } from '#shared/rpc/codec.ts'
import { settle } from '#shared/rpc/result.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import type { CallFrame, EventFrame } from '#shared/rpc/wire.ts'
import type { EngineHealth } from '../engineProcess/supervisor.ts'
import { createFrameStream } from './frameStream.ts'
import { createGate, type Verdict } from './gate.ts'
import { admitRequests, guardServer, PATIENCE } from './guardServer.ts'
import type { PageAssets } from './pageAssets.ts'
import { pageHeaders } from './pageHeaders.ts'
import { readBody } from './readBody.ts'
import type { BodyBudget } from './receiveBody.ts'
import type { Refusal } from './requestHead.ts'
import { createUploads } from './uploads.ts'

export interface LoopbackOptions {
  /** Event streams of one client at once; default 64. One more is refused with `E_BUSY`. */
  readonly maxEventStreams?: number
  readonly transport: Transport
  /** Answered by this process alone, so a busy engine cannot delay it. */
  readonly health: () => EngineHealth
  readonly assets: PageAssets
  /** 0 picks a free one. */
  readonly port?: number
  /** For tests: a gate with a hole in it must be noticed. */
  readonly makeGate?: typeof createGate
  /** How often a stream says that it is alive, milliseconds; default ten seconds. */
  readonly aliveMs?: number
  readonly bodyLimits?: { readonly usual: number; readonly files: number; readonly together: number }
}

export interface LoopbackServer {
  readonly port: number
  readonly token: string
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** The address to open: it carries the token in its fragment, which no server ever sees. */
  readonly address: string
  close(): Promise<void>
}

const MIB = 1024 * 1024
const BODY_LIMITS = { usual: 64 * MIB, files: 1024 * MIB, together: 2048 * MIB }
/** The method whose input is a whole file. Cartridges are uploads: they may have any size, and are never held whole. */
const FILE_METHOD = 'documents.extract'
/** Methods that could read a file of this machine by its path. */
const PATH_METHODS: ReadonlySet<string> = new Set(['packets.import', 'packets.review', 'packets.try', 'jobs.import'])
/** Node's own `fetch` takes five minutes without a byte for the end of an answer. */
const ALIVE_MS = 10_000

type Bindings = { Bindings: HttpBindings & { verdict: Verdict } }

function refuse(response: ServerResponse, { status, code, message, allow }: Refusal): void {
  const body = JSON.stringify({ error: { code, message } })
  // The body of a refused request is not read; closing is what tells its sender to stop.
  const headers = {
    ...pageHeaders(),
    'content-type': 'application/json',
    'cache-control': 'no-store',
    connection: 'close',
    ...(allow === undefined ? {} : { allow }),
  }
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function namesPath(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'path' in input && input.path !== undefined
}

/** Event streams of one client at once: a window has one. */
const MAX_EVENT_STREAMS = 64

export async function startLoopbackServer(options: LoopbackOptions): Promise<LoopbackServer> {
  const token = randomBytes(32).toString('base64url')
  const { bodyLimits: limits = BODY_LIMITS, aliveMs = ALIVE_MS } = options
  const bodyLimit = (method: string | null) => (method === FILE_METHOD ? limits.files : limits.usual)
  const budget: BodyBudget = { held: 0, limit: limits.together }
  const headers = pageHeaders()
  const streamHeaders = { ...headers, 'content-type': FRAME_TYPE, 'cache-control': 'no-store' }

  /** A request that was let in, in the words of `fetch`. */
  const app = new Hono<Bindings>()

  const uploads = createUploads()
  function refused(c: Context<Bindings>, thrown: unknown): Response {
    const { code, message } = toErrorValue(thrown)
    const status = ERROR_CODES[code].http as 400
    return c.json({ error: { code, message } }, status, {
      ...headers,
      'cache-control': 'no-store',
      connection: 'close',
    })
  }

  app.post('/rpc/:method', async (c: Context<Bindings>) => {
    const method = c.req.param('method') ?? ''
    const { incoming, outgoing } = c.env
    const gone = new AbortController()
    // Whoever closes the window no longer wants the answer: its call is cancelled.
    outgoing.on('close', () => gone.abort())
    const id = c.req.query('upload')
    let input: unknown
    let upload: ReturnType<typeof uploads.open> | null = null
    try {
      input = await readBody(incoming as IncomingMessage, bodyLimit(method), budget)
      if (PATH_METHODS.has(method) && namesPath(input)) {
        throw new StatePackError('E_BAD_INPUT', 'Over HTTP a file is sent, not named by its path on this machine.')
      }
      if (id !== undefined) upload = uploads.open(id)
    } catch (thrown) {
      return refused(c, thrown)
    }
    const stream = createFrameStream<CallFrame>(() => gone.abort())
    if (upload !== null) stream.send({ kind: 'open' })
    const alive = setInterval(() => stream.send({ kind: 'alive' }, true), aliveMs)
    outgoing.on('close', () => clearInterval(alive))
    const call = options.transport.call(method, input, {
      signal: gone.signal,
      onProgress: progress => stream.send({ kind: 'progress', progress }, true),
      onItem: item => stream.sendAll({ kind: 'item', item }),
      upload: upload?.items,
    })
    void call.then(async result => {
      upload?.close()
      const sent = await settle(() => stream.send({ kind: 'result', result }))
      // It cannot be written (a text longer than any string): then that is the answer, and nobody else's end.
      if (!sent.ok) stream.send({ kind: 'result', result: sent })
      stream.close()
    })
    return new Response(stream.body, { headers: streamHeaders })
  })

  app.post('/uploads/:id', async (c: Context<Bindings>) => {
    try {
      const frame = await readBody(c.env.incoming as IncomingMessage, bodyLimit(null), budget)
      await uploads.take(c.req.param('id') ?? '', frame)
      return c.body(null, 204, { ...headers, 'cache-control': 'no-store' })
    } catch (thrown) {
      return refused(c, thrown)
    }
  })

  const limitStreams = options.maxEventStreams ?? MAX_EVENT_STREAMS
  const streams = new Map<string, number>()
  app.get('/events', c => {
    const client = c.env.incoming.socket.remoteAddress ?? ''
    const open = streams.get(client) ?? 0
    if (open >= limitStreams) {
      const message = `${open} windows listen already; close some of them.`
      return c.json({ error: { code: 'E_BUSY', message } }, ERROR_CODES.E_BUSY.http as 429, headers)
    }
    streams.set(client, open + 1)
    let stopped = false
    const stop = () => {
      if (stopped) return
      stopped = true
      const left = (streams.get(client) ?? 1) - 1
      if (left === 0) streams.delete(client)
      else streams.set(client, left)
      clearInterval(alive)
      unsubscribe()
    }
    const stream = createFrameStream<EventFrame>(stop)
    const unsubscribe = options.transport.subscribe((name, data) => stream.send({ kind: 'event', name, data }))
    const alive = setInterval(() => stream.send({ kind: 'alive' }, true), aliveMs)
    c.env.outgoing.on('close', stop)
    const { state, reason } = options.health()
    stream.send({ kind: 'event', name: 'engine.status', data: reason === null ? { state } : { state, reason } })
    return new Response(stream.body, { headers: streamHeaders })
  })

  app.get('/health', c => {
    const { state, inFlight, waiting, restarts } = options.health()
    return c.json({ app: 'State Pack Studio', engine: { state, inFlight, waiting, restarts } }, 200, {
      ...headers,
      'cache-control': 'no-store',
    })
  })

  app.get('*', c => {
    const asset = options.assets.find(c.req.path)
    if (asset === null)
      return c.json({ error: { code: 'E_NOT_FOUND', message: 'There is no such file.' } }, 404, headers)
    const cache = asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache'
    return c.body(asset.bytes, 200, { ...headers, 'content-type': asset.type, 'cache-control': cache })
  })

  const listener = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: false,
  })
  const server = createServer(PATIENCE)
  guardServer(server, 1024)

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const host = `127.0.0.1:${port}`
  const gate = (options.makeGate ?? createGate)({ host, token, bodyLimit })

  admitRequests(server, {
    gate,
    refuse,
    proceed: listener,
  })

  return {
    port,
    token,
    origin: `http://${host}`,
    address: `http://${host}/#/?token=${token}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
