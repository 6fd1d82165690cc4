import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { ERROR_CODES, type ErrorValue, StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { nestsBeyond } from '#shared/domain/nestsBeyond.ts'
import { createClient } from '#shared/rpc/client.ts'
import { fieldProblem } from '../dispatch/fieldProblem.ts'
import { createFrameStream } from '../loopback/frameStream.ts'
import { type BodyBudget, receiveBody } from '../loopback/receiveBody.ts'
import { apiCall } from './apiCall.ts'
import type { ApiMetrics } from './apiMetrics.ts'
import { type ApiRoute, type CountTokens, isEvents, type ServerEvent, type ServerEvents } from './apiRoute.ts'
import type { ApiOptions } from './apiServer.ts'
import { errorResponse } from './errorResponse.ts'
import { noRoute, routeAt } from './routeAt.ts'
import { apiRoutes } from './routes/apiRoutes.ts'
import { stateCounts } from './stateCounts.ts'

type Bindings = { Bindings: HttpBindings }
type Parts = Pick<ApiOptions, 'transport' | 'health' | 'journal'> & {
  readonly bodyLimit: number
  readonly metrics: ApiMetrics
  /** The server ends what is still running. */
  readonly closing: AbortSignal
}

/** Where it is noted what a request has read, and why it failed. */
interface Noted {
  readonly count: CountTokens
  readonly fail: (error: ErrorValue) => void
}

/** Bytes of bodies that may be held at once, in bodies of the largest size. */
const BODIES_TOGETHER = 16
/** Levels of a body: what nests deeper is written by nobody, and ends the stack of whoever goes through it. */
const MOST_LEVELS = 256
const PLAIN = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
const JSON_TYPE = { 'content-type': 'application/json' }
const STREAM = { ...PLAIN, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }

/** Requests that were let in, in the words of `fetch`, and what is asked of whom, for those that were not. */
export function createApiApp({ transport, health, journal, bodyLimit, metrics, closing }: Parts) {
  const app = new Hono<Bindings>()
  const client = createClient(transport)
  const budget: BodyBudget = { held: 0, limit: BODIES_TOGETHER * bodyLimit }

  const routes = apiRoutes({ health, counts: stateCounts(client), metrics })
  for (const route of routes) {
    app[route.method](route.path.replace(/\{(\w+)\}/g, ':$1'), async c => {
      const started = performance.now()
      const { outgoing } = c.env
      const entry = route.isWatching ? undefined : journal?.begin(nameOf(route), callerOf(c))
      outgoing.once('close', () => {
        const seconds = (performance.now() - started) / 1000
        metrics.answered(route.path, outgoing.statusCode, seconds)
        entry?.end(outgoing.writableFinished ? outgoing.statusCode : ERROR_CODES.E_CANCELLED.http, seconds)
      })
      // Behind the answer, which it would delay.
      const count: CountTokens = tokens =>
        setImmediate(() => {
          metrics.count(tokens)
          entry?.count(tokens)
        })
      return answer(c, route, { count, fail: error => entry?.fail(error) })
    })
  }
  app.notFound(c => {
    const failed = noRoute(routes, c.req)
    const { allow } = failed.details
    if (c.req.method !== 'OPTIONS' || typeof allow !== 'string') return failure(c, failed)
    return told(c, 204, { allow })
  })

  async function answer(c: Context<Bindings>, route: ApiRoute, { count, fail }: Noted): Promise<Response> {
    const gone = new AbortController()
    const stop = () => gone.abort()
    const { outgoing } = c.env
    closing.addEventListener('abort', stop)
    outgoing.once('close', () => {
      closing.removeEventListener('abort', stop)
      // Whoever hangs up no longer wants the answer: the engine stops. After an answer there is nothing to stop, and an abort costs.
      if (!outgoing.writableFinished) stop()
    })
    if (closing.aborted) stop()
    const call = apiCall(client, { signal: gone.signal, count })
    try {
      const sent = { ...(await fieldsOf(c, route)), ...c.req.param() }
      const input = route.input.safeParse(sent)
      if (!input.success) throw fieldProblem('E_BAD_INPUT', route.path, input.error)
      const given = await route.answer(input.data, call)
      if (isEvents(given)) return await eventStream(given, { onGone: stop, onFail: fail })
      const output = route.output.safeParse(given)
      if (!output.success) throw fieldProblem('E_INTERNAL', route.path, output.error)
      if (route.text !== undefined) return told(c, 200, { 'content-type': route.text }, output.data as string)
      return told(c, 200, JSON_TYPE, JSON.stringify(output.data))
    } catch (thrown) {
      fail(toErrorValue(thrown))
      return failure(c, thrown)
    }
  }

  async function fieldsOf(c: Context<Bindings>, route: ApiRoute): Promise<object> {
    if (route.method !== 'post') return route.query ? c.req.query() : {}
    const body = await jsonBody(c)
    const fields = withoutNulls(body)
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return fields
    throw new StatePackError('E_BAD_INPUT', 'The body is a JSON object with the fields of the request.')
  }

  async function jsonBody(c: Context<Bindings>): Promise<unknown> {
    const type = c.env.incoming.headers['content-type'] ?? ''
    if (!/^application\/json\s*(;|$)/i.test(type))
      throw new StatePackError('E_NOT_TEXT', 'Send JSON: content-type: application/json.')
    const chunks: Uint8Array[] = []
    await receiveBody(c.env.incoming as IncomingMessage, { limit: bodyLimit, budget }, chunk => chunks.push(chunk))
    let body: unknown
    try {
      body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
    } catch (cause) {
      throw new StatePackError('E_BAD_JSON', 'The body is not JSON.', {}, cause)
    }
    if (!nestsBeyond(body, MOST_LEVELS)) return body
    throw new StatePackError('E_BAD_JSON', `The body nests more than ${MOST_LEVELS} levels deep.`)
  }

  return {
    app,
    /** The route that a request asks for, in words of its own: nothing of the request itself, which may be a secret. */
    routeOf({ method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>): string {
      const at = routeAt(routes, { method, path: url.split('?', 1)[0] ?? '' })
      return at === null ? 'no route of this server' : nameOf(at.route)
    },
  }
}

/** What is JSON of its own, below which null may mean something; `input` where it is an object, the arguments of a call. */
const OPAQUE = new Set(['parameters', 'input_schema', 'schema', 'metadata', 'input'])

/** A field that is null asks for nothing: many clients write all that they know of, in what they send back, too. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const given = Object.entries(value).filter(([, each]) => each !== null)
  return Object.fromEntries(
    given.map(([name, each]) => [name, OPAQUE.has(name) && !Array.isArray(each) ? each : withoutNulls(each)]),
  )
}

const nameOf = ({ method, path }: ApiRoute) => `${method.toUpperCase()} ${path}`

/** Who asks, as far as a request says. */
function callerOf(c: Context<Bindings>): string {
  return `${c.env.incoming.socket.remoteAddress} ${c.env.incoming.headers['user-agent'] ?? ''}`
}

function failure(c: Context<Bindings>, thrown: unknown): Response {
  const error = toErrorValue(thrown)
  const status = ERROR_CODES[error.code].http
  const headers: Record<string, string> = { ...JSON_TYPE }
  if (typeof error.details.allow === 'string') headers.allow = error.details.allow
  if (status === 429 || status === 503) headers['retry-after'] = '1'
  // A body that was not read to its end would be taken for the next request.
  if (!c.env.incoming.complete) headers.connection = 'close'
  return told(c, status, headers, JSON.stringify(errorResponse(error)))
}

/** Writes a whole answer to the socket itself: by way of a `Response` and its stream that takes a third of a millisecond longer. */
function told({ env }: Context<Bindings>, status: number, headers: Record<string, string>, body = ''): Response {
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }
  env.outgoing.writeHead(status, { ...PLAIN, ...headers, ...length }).end(body)
  return RESPONSE_ALREADY_SENT
}

/** Begins to answer with the first event: until then a failure still has its own status. */
async function eventStream(
  { events, failed }: ServerEvents,
  { onGone, onFail }: { onGone: () => void; onFail: Noted['fail'] },
): Promise<Response> {
  const stream = createFrameStream<ServerEvent>(onGone, encodeEvent)
  const begun = Promise.withResolvers<void>()
  let isBegun = false
  const send = (event: ServerEvent) => {
    isBegun = true
    begun.resolve()
    stream.send(event)
  }
  void events(send).then(
    () => {
      stream.close()
      begun.resolve()
    },
    thrown => {
      if (!isBegun) return begun.reject(thrown)
      const error = toErrorValue(thrown)
      onFail(error)
      stream.send(failed(error))
      stream.close()
    },
  )
  await begun.promise
  return new Response(stream.body, { headers: STREAM })
}

function encodeEvent({ event, data }: ServerEvent): Uint8Array<ArrayBuffer> {
  const name = event === undefined ? '' : `event: ${event}\n`
  return new TextEncoder().encode(`${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
}
