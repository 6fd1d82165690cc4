/**
 * Every route, by the OpenAPI document: its good requests, and all that can be wrong with a request or with who sends it.
 * A route or a field that the document has and the table lacks fails.
 */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRequestJournal } from '#hosts/api/requestJournal.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { startTestRegistry, type TestRegistry } from '../../engine/registry/testRegistry.ts'
import { type Made, ROUTE_TABLE, type Sent } from './routeTable.ts'
import { readEvents, startTestApi, type TestApi } from './startTestApi.ts'

type Schema = Parameters<typeof z.fromJSONSchema>[0] & object
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: 'path' | 'query'; readonly schema: Schema }[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Body } } }
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Content>> }>>
  readonly security?: readonly unknown[]
}
type Content = { readonly schema: Schema } | { readonly itemSchema: { readonly anyOf: readonly EventKind[] } }
/** One kind of server-sent event: its data is a text, or JSON of a schema. */
interface EventKind {
  readonly properties: {
    readonly event?: Schema
    readonly data: Schema & { readonly contentMediaType?: string; readonly contentSchema?: Schema }
  }
}
interface Body {
  readonly properties: Readonly<Record<string, Schema>>
  readonly required: readonly string[]
  readonly oneOf?: readonly { readonly required?: readonly [string] }[]
}

const LIMIT = 100_000
const UNKNOWN = 'ab'.repeat(32)
/** Fields that name a state, a model or an answer, with a name that nothing has. */
const REFERENCES: Readonly<Record<string, string>> = {
  ...{ hash: UNKNOWN, id: UNKNOWN, state_hash: UNKNOWN, state: UNKNOWN, previous_response_id: `resp_${UNKNOWN}` },
  model: 'no-such-model',
}
/** Of each type one, and nothing that a field takes which takes only some. */
const LONG = 'x'.repeat(999)
const VALUES = [7.5, LONG, [], {}, true]

const journal = createRequestJournal(() => {})
/** Calls that are held until their caller has gone: from which one on, and the methods of those that were. */
const holding = { from: Number.POSITIVE_INFINITY, calls: 0, held: [] as string[] }
let api: TestApi
let made: Made
let registry: TestRegistry
let document: { paths: Record<string, Record<string, Operation>> }
const routes = Object.keys(ROUTE_TABLE)

/** Calls that send something fail after the first of it. */
const breaking = { isOn: false }
async function failing<T>(work: () => Promise<T>): Promise<T> {
  breaking.isOn = true
  try {
    return await work()
  } finally {
    breaking.isOn = false
  }
}

/** A call for a caller has a signal; what the server asks for itself has none. */
function held(engine: Transport): Transport {
  return {
    ...engine,
    async call(method, input, options) {
      const { signal, onItem } = options
      if (breaking.isOn && onItem !== undefined) {
        const breaks = (item: unknown) => {
          onItem(item)
          throw new StatePackError('E_INFERENCE', 'The model broke.')
        }
        return engine.call(method, input, { ...options, onItem: breaks })
      }
      if (signal !== undefined && ++holding.calls >= holding.from) {
        holding.held.push(method)
        if (!signal.aborted) await once(signal, 'abort')
      }
      return engine.call(method, input, options)
    },
  }
}

function operation(route: string): Operation {
  const [method = '', path = ''] = route.split(' ')
  const found = document.paths[path]?.[method]
  if (found === undefined) throw new Error(`${route} is not documented`)
  return found
}
const bodyOf = (route: string) => operation(route).requestBody?.content['application/json'].schema
const good = (route: string) => ROUTE_TABLE[route]?.(made) ?? []
/** The first request of a route's that sends a field; else the first, with the field. */
const withField = (route: string, name: string, value: unknown): Sent => ({
  ...(good(route).find(sent => name in sent) ?? good(route)[0]),
  [name]: value,
})
const without = (sent: Sent, names: readonly string[]) =>
  Object.fromEntries(Object.entries(sent).filter(([name]) => !names.includes(name)))

/** Where the fields of a request go, as the document says. */
function placed(route: string, sent: Sent) {
  const { parameters = [], requestBody } = operation(route)
  const [method = '', pattern = ''] = route.split(' ')
  const inQuery = parameters.filter(({ name, in: where }) => where === 'query' && name in sent)
  const query = new URLSearchParams(inQuery.map(({ name }) => [name, `${sent[name]}`]))
  const path = pattern.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(`${sent[name]}`))
  const elsewhere = parameters.map(({ name }) => name)
  return {
    method: method.toUpperCase(),
    path: query.size === 0 ? path : `${path}?${query}`,
    body: requestBody === undefined ? undefined : JSON.stringify(without(sent, elsewhere)),
  }
}

/** Keeps the response once more that the table deletes. */
const passing = async () =>
  (await api.ask('/v1/responses', { input: 'Who passes by?', max_output_tokens: 2 })).json.id as string
const isDelete = (route: string) => route.startsWith('delete')

type SentEvent = Awaited<ReturnType<typeof readEvents>>[number]

/** Which of the documented kinds an event is; -1: none. */
function kindOf({ event, data }: SentEvent, kinds: readonly EventKind[]): number {
  return kinds.findIndex(({ properties }) => {
    const name = properties.event === undefined ? z.literal('') : z.fromJSONSchema(properties.event)
    const { contentMediaType, contentSchema } = properties.data
    const text = typeof data === 'string'
    if (!name.safeParse(event).success || text === (contentMediaType === 'application/json')) return false
    return z.fromJSONSchema(contentSchema ?? properties.data).safeParse(data).success
  })
}

/** Sends it, and holds what comes back against the document. */
async function ask(route: string, sent: Sent, init: RequestInit = {}) {
  if (isDelete(route)) await passing()
  const { path, ...rest } = placed(route, sent)
  const response = await api.send(path, undefined, { ...rest, ...init })
  const [type = ''] = response.headers.get('content-type')?.split(';') ?? []
  const { responses } = operation(route)
  const content = (responses[String(response.status)] ?? responses.default)?.content[type]
  if (content === undefined) throw new Error(`${route} may not answer ${type} with status ${response.status}`)
  const isJson = type === 'application/json'
  const isStream = 'itemSchema' in content
  const told: unknown = isJson ? await response.json() : isStream ? await readEvents(response) : await response.text()
  if (!isStream) z.fromJSONSchema(content.schema).parse(told)
  else
    for (const event of told as SentEvent[])
      expect({ event, as: kindOf(event, content.itemSchema.anyOf) }).not.toMatchObject({ as: -1 })
  const { error } = (isJson ? told : {}) as { error?: { code: string; message: string } }
  return { status: response.status, code: error?.code, message: error?.message ?? '', told }
}

/** The same without its body being read: how the head alone is answered. */
async function statusOf(route: string, headers: Record<string, string>, body = ''): Promise<number> {
  if (isDelete(route)) await passing()
  const { method, path } = placed(route, good(route)[0] ?? {})
  return new Promise((resolve, reject) => {
    const sent = request(`${api.api.address}${path}`, { method, headers }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

beforeAll(async () => {
  api = await startTestApi({ bodyLimit: LIMIT, journal }, {}, held)
  document = (await api.ask('/openapi.json')).json
  const model = 'starter-mamba'
  const base = await api.ask('/states', { base_text: 'The lease runs for ten years. ' })
  const recurrent: string[] = []
  for (const base_text of ['Rent is due.', 'Pets are welcome.'])
    recurrent.push((await api.ask('/states', { base_text, model })).json.state_hash)
  const response = await api.ask('/v1/responses', { input: 'Who pays?', max_output_tokens: 2 })
  const { state_hash: hash, receipt } = base.json
  registry = await startTestRegistry()
  const { host } = registry
  // There is something in it, so that every route can be asked by itself.
  const catalogue = { place: `${host}/team/catalogue`, name: 'team/lease' }
  await api.ask('/push', { state_hash: hash, to: `${host}/team/lease:v1`, catalogue })
  made = {
    ...{ hash, recurrent, receipt: receipt.receipt_id, registry: host },
    ...{ response: response.json.id, passing: await passing() },
  }
})
afterAll(async () => {
  await api.close()
  await registry.close()
})

describe('the table', () => {
  it('has every route and every field of the document, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    expect(documented.sort()).toEqual(routes.toSorted())
    for (const route of routes) {
      const { parameters = [] } = operation(route)
      const fields = [...parameters.map(({ name }) => name), ...Object.keys(bodyOf(route)?.properties ?? {})]
      const sent = new Set(good(route).flatMap(one => Object.keys(one)))
      expect({ route, sent: [...sent].sort() }).toEqual({ route, sent: fields.sort() })
    }
  })
})

describe.each(routes)('%s', route => {
  beforeEach(async () => void (isDelete(route) && (await passing())))

  it('answers what is good, as the document says', async () => {
    for (const sent of good(route)) expect({ sent, ...(await ask(route, sent)) }).toMatchObject({ status: 200 })
  })

  it('refuses by its name each field of a wrong type, and one that it does not have', async () => {
    const { parameters = [] } = operation(route)
    const inBody = Object.entries(bodyOf(route)?.properties ?? {}).map(
      ([name, schema]) => [name, VALUES.find(value => !z.fromJSONSchema(schema).safeParse(value).success)] as const,
    )
    // A query is text, whatever it means.
    const inQuery = parameters.filter(one => one.in === 'query').map(({ name }) => [name, LONG] as const)
    for (const [name, wrong] of [...inBody, ...inQuery]) {
      const refused = await ask(route, withField(route, name, wrong))
      expect({ name, ...refused }).toMatchObject({ status: 400, code: 'E_BAD_INPUT' })
      expect(refused.message).toContain(name)
    }
    const body = bodyOf(route)
    if (body === undefined) return
    const unknown = await ask(route, withField(route, 'no_such_field', 1))
    expect([unknown.status, unknown.code]).toEqual([400, 'E_BAD_INPUT'])
    expect(unknown.message).toContain('no_such_field')
  })

  it('refuses what lacks a field, has two of which one is meant, or is no JSON', async () => {
    const body = bodyOf(route)
    if (body === undefined) return
    const first = good(route)[0] ?? {}
    const alone = (body.oneOf ?? []).flatMap(({ required = [] }) => required)
    const isOneNeeded = body.oneOf?.every(({ required }) => required !== undefined) ?? false
    const whole = Object.assign({}, ...good(route)) as Sent
    const two = Object.fromEntries(alone.map(name => [name, whole[name]]))
    const bad = [
      ...body.required.map(name => without(first, [name])),
      ...(isOneNeeded ? [without(first, alone)] : []),
      ...(alone.length > 1 ? [{ ...first, ...two }] : []),
    ]
    for (const sent of bad) expect({ sent, ...(await ask(route, sent)) }).toMatchObject({ status: 400 })
    for (const [text, status, code] of [
      ['[]', 400, 'E_BAD_INPUT'],
      ['{"a":', 400, 'E_BAD_JSON'],
      ['', 400, 'E_BAD_JSON'],
      [`{"metadata": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 400, 'E_BAD_JSON'],
    ] as const)
      expect(await ask(route, first, { body: text })).toMatchObject({ status, code })
    const plain = await ask(route, first, { headers: { 'content-type': 'text/plain' } })
    expect([plain.status, plain.code]).toEqual([415, 'E_NOT_TEXT'])
  })

  it('streams only what the document says, also where it fails half way', async () => {
    const sent = good(route).find(({ stream }) => stream)
    const { 200: { content } = { content: {} } } = operation(route).responses
    const streams = 'text/event-stream' in content
    expect(sent !== undefined).toBe(streams)
    if (sent === undefined) return
    const [whole, cut] = [await ask(route, sent), await failing(() => ask(route, sent))]
    expect(whole).toMatchObject({ status: 200 })
    const events = cut.told as SentEvent[]
    expect(events.length).toBeGreaterThan(1)
    const { data } = events.at(-1) ?? {}
    expect(JSON.stringify(data)).toContain('E_INFERENCE')
    // With a call of a tool, too.
    const tools = good(route).find(({ tools = [] }) => Array.isArray(tools) && tools.length > 0)
    if (tools !== undefined) expect(await ask(route, { ...tools, stream: true })).toMatchObject({ status: 200 })
  })

  it('takes no other method, and says which it takes', async () => {
    const [, pattern = ''] = route.split(' ')
    const own = Object.keys(document.paths[pattern] ?? {})
    const { path } = placed(route, good(route)[0] ?? {})
    const takes = own.flatMap(method => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()])).sort()
    const of = (response: Response) => response.headers.get('allow')?.split(', ').sort()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(one => !takes.includes(one))) {
      const response = await api.send(path, undefined, { method, body: method === 'GET' ? null : '{}' })
      expect({ method, status: response.status, allow: of(response) }).toEqual({
        ...{ method, status: 405, allow: [...takes, 'OPTIONS'].sort() },
      })
      const schema = operation(route).responses.default?.content['application/json']
      if (schema === undefined || !('schema' in schema)) throw new Error(`${route} documents no failure`)
      expect(z.fromJSONSchema(schema.schema).parse(await response.json())).toMatchObject({
        error: { code: 'E_BAD_METHOD', type: 'E_BAD_METHOD' },
      })
    }
    const asked = await api.send(path, undefined, { method: 'OPTIONS' })
    expect([asked.status, of(asked), await asked.text()]).toEqual([204, [...takes, 'OPTIONS'].sort(), ''])
    const head = await api.send(path, undefined, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([takes.includes('HEAD') ? 200 : 405, ''])
    if (operation(route).security?.length === 0)
      expect((await fetch(`${api.api.address}${path}`, { method: 'HEAD' })).status).toBe(200)
  })

  it('says when what is named is not there', async () => {
    const { parameters = [] } = operation(route)
    const fields = [...parameters.map(({ name }) => name), ...Object.keys(bodyOf(route)?.properties ?? {})]
    for (const name of fields) {
      const unknown = REFERENCES[name]
      // Below a field of the request, as the states are that are combined.
      const nested = good(route)[0]?.[name]
      const isNested = Array.isArray(nested) && typeof nested[0] === 'object' && 'state_hash' in nested[0]
      if (unknown === undefined && !isNested) continue
      const value = isNested ? nested.map(one => ({ ...one, state_hash: UNKNOWN })) : unknown
      const code = name === 'model' ? 'E_UNKNOWN_MODEL' : 'E_NOT_FOUND'
      expect({ name, ...(await ask(route, withField(route, name, value))) }).toMatchObject({ status: 404, code })
    }
  })

  it('refuses what is too large, unread or read', async () => {
    const authorization = `Bearer ${api.api.token}`
    const big = { authorization, 'content-type': 'application/json', 'content-length': String(LIMIT + 1) }
    expect(await statusOf(route, big, ' '.repeat(LIMIT + 1))).toBe(413)
    if (bodyOf(route) === undefined) return
    const chunked = { authorization, 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    expect(await statusOf(route, chunked, ' '.repeat(LIMIT + 1))).toBe(413)
  })

  it('wants the token unless the document says otherwise, its own address, and no foreign page', async () => {
    const authorization = `Bearer ${api.api.token}`
    const isOpen = operation(route).security?.length === 0
    const strangers: Record<string, string>[] = [{}, { authorization: 'Bearer wrong' }, { 'x-api-key': 'wrong' }]
    for (const stranger of strangers) expect(await statusOf(route, stranger)).toBe(isOpen ? 200 : 401)
    for (const [header, value] of [
      ['host', 'evil.example'],
      ['host', `127.0.0.1.evil.example:${api.api.port}`],
      ['origin', 'http://evil.example'],
      ['sec-fetch-site', 'cross-site'],
    ] as const)
      expect(await statusOf(route, { authorization, [header]: value })).toBe(403)
    // A `post` comes this far and no further: it has no content type.
    const isBare = !route.startsWith('post')
    const known: Record<string, string>[] = [{ authorization }, { 'x-api-key': api.api.token }]
    for (const caller of known) expect(await statusOf(route, caller)).toBe(isBare ? 200 : 415)
  })

  it('stops the engine when the caller hangs up, whatever it is waiting for', async () => {
    const receipts = async () => (await api.client.call('receipts.list', {})).total
    const [sent = {}] = good(route)
    const before = await receipts()
    /** Holds its nth call of the engine until the caller has gone; says whether it came so far. */
    const hangUpAt = async (nth: number) => {
      Object.assign(holding, { from: nth, calls: 0, held: [] })
      const gone = new AbortController()
      const { path, ...rest } = placed(route, sent)
      const answered = api
        .send(path, undefined, { ...rest, signal: gone.signal })
        .then(response => response.text())
        .then(
          () => true,
          () => false,
        )
      let isAnswered: boolean | undefined
      void answered.then(is => (isAnswered = is))
      await expect.poll(() => isAnswered ?? holding.held.length > 0, { interval: 5 }).toBe(true)
      holding.from = Number.POSITIVE_INFINITY
      const isHeld = isAnswered === undefined
      gone.abort()
      await answered
      if (isHeld) await expect.poll(() => journal.read().log[0]).toMatchObject({ status: 499 })
      if (nth === 1 && isHeld) expect(await receipts()).toBe(before)
      return isHeld
    }
    let calls = 0
    while (await hangUpAt(calls + 1)) calls += 1
    if (isDelete(route)) await passing()
    // What watches the server is answered without the engine.
    const isWatching = ['get /health', 'get /metrics', 'get /openapi.json'].includes(route)
    expect(calls > 0).toBe(!isWatching)
    await expect.poll(() => journal.read().running).toBe(0)
  })
})

describe('a client that', () => {
  // Hot enough that no answer ends by itself.
  const sampling = { temperature: 5, seed: 1 }
  const long = () => ({ state_hash: made.hash, delta_text: 'Go on.', max_new_tokens: 400, sampling, stream: true })
  /** Calls the engine still works on. */
  const running = async () => {
    const { models } = (await api.client.call('memory.status', {})) as { models: { heldBy: string[] }[] }
    return models.flatMap(({ heldBy }) => heldBy).filter(name => name === 'packets.infer').length
  }

  it('hangs up in mid-stream leaves nothing behind', async () => {
    expect((await api.ask('/infer', { ...long(), stream: false })).json.tokens.generated).toBeGreaterThan(100)
    const before = await api.client.call('receipts.list', { op: 'infer' })
    const many = process.env.DEEP === '1' ? 500 : 20
    for (let i = 0; i < many; i++) {
      const gone = new AbortController()
      const response = await api.send('/infer', long(), { signal: gone.signal })
      const reader = response.body?.getReader()
      if (i % 2 === 0) await reader?.read()
      gone.abort()
      await reader?.read().catch(() => {})
    }
    await expect.poll(running).toBe(0)
    expect((await api.client.call('receipts.list', { op: 'infer' })).total).toBe(before.total)
    expect((await api.ask('/infer', { ...long(), max_new_tokens: 2, stream: false })).status).toBe(200)
  })

  it('does not read keeps nobody else from being answered, and gets its answer when it does', async () => {
    const slow = routes.map(route => {
      const {
        method,
        path,
        body = '',
      } = placed(route, good(route).find(({ stream }) => stream) ?? good(route)[0] ?? {})
      const socket = connect(api.api.port, '127.0.0.1')
      socket.pause()
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${api.api.port}\r\nauthorization: Bearer ${api.api.token}\r\n` +
          `connection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
      return { route, socket }
    })
    expect((await api.ask('/infer', { ...long(), max_new_tokens: 2, stream: false })).status).toBe(200)
    expect((await api.ask('/health')).status).toBe(200)
    for (const { route, socket } of slow) {
      let text = ''
      for await (const chunk of socket) text += chunk
      const [head = '', answer = ''] = text.split('\r\n\r\n')
      expect({ route, head }).toMatchObject({ head: expect.stringMatching(/^HTTP\/1\.1 200 /) })
      expect(answer).not.toBe('')
    }
    await expect.poll(running).toBe(0)
  })

  it('never reads a long stream is let go', async () => {
    const body = JSON.stringify(long())
    const socket = connect(api.api.port, '127.0.0.1')
    socket.pause()
    socket.write(
      `POST /infer HTTP/1.1\r\nhost: 127.0.0.1:${api.api.port}\r\nauthorization: Bearer ${api.api.token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect((await api.ask('/infer', { ...long(), max_new_tokens: 2, stream: false })).status).toBe(200)
    socket.destroy()
    await expect.poll(running).toBe(0)
  })
})

describe('a server that closes', () => {
  it('lets a running answer end, and takes no new request', async () => {
    const closing = await startTestApi()
    const { json } = await closing.ask('/states', { base_text: 'The lease runs for ten years. ' })
    const sent = { state_hash: json.state_hash, delta_text: 'Who?', max_new_tokens: 40, stream: true }
    const response = await closing.send('/infer', sent)
    const closed = closing.close()
    const text = await response.text()
    expect(text).toMatch(/event: result\n/)
    await closed
    await expect(closing.send('/health')).rejects.toThrow()
  })
})
