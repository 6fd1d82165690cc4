import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from './startTestApi.ts'

const LIMIT = 100_000
const model = 'starter-transformer'
const UNKNOWN = 'ab'.repeat(32)
let api: TestApi
let hash = ''
/** Two states of a recurrent model. */
let recurrent: string[] = []
let receipt = ''
let document: { paths: Record<string, Record<string, { responses: Record<string, Content> }>> }

interface Content {
  readonly content: { readonly 'application/json': { readonly schema: Parameters<typeof z.fromJSONSchema>[0] } }
}

/** A good request of every route that takes a body; the table is checked against the document. */
const good: Record<string, () => Record<string, unknown>> = {
  '/states': () => ({ base_text: 'The lease runs for ten years. ', model }),
  '/infer': () => ({ state_hash: hash, delta_text: 'Who pays?', max_new_tokens: 2 }),
  '/merge': () => ({ state_hash: hash, delta_text: 'Rent is due on the first. ' }),
  '/compact': () => ({ state_hash: hash, accumulated_deltas: ['Pets are welcome. '] }),
  '/combine': () => ({ states: recurrent.map(state_hash => ({ state_hash, weight: 0.5 })) }),
  '/states/{hash}': () => ({ name: 'lease', keywords: ['law'] }),
  '/suggest': () => ({ question: 'How long does the lease run?' }),
  '/v1/completions': () => ({ model, prompt: 'The lease', max_tokens: 2 }),
  '/v1/chat/completions': () => ({ model, messages: [{ role: 'user', content: 'Who pays?' }], max_tokens: 2 }),
  '/v1/responses': () => ({ model, input: 'Who pays?', max_output_tokens: 2 }),
  '/v1/messages': () => ({ model, messages: [{ role: 'user', content: 'Who pays?' }], max_tokens: 2 }),
}
/** A field that must be there, and one of another type. */
const fields: Record<string, { needed: string; wrong: Record<string, unknown> }> = {
  '/states': { needed: 'base_text', wrong: { base_text: 7 } },
  '/infer': { needed: 'state_hash', wrong: { max_new_tokens: 'many' } },
  '/merge': { needed: 'state_hash', wrong: { delta_text: [] } },
  '/compact': { needed: 'state_hash', wrong: { accumulated_deltas: 'x' } },
  '/combine': { needed: 'states', wrong: { states: 7 } },
  '/states/{hash}': { needed: '', wrong: { keywords: 'law' } },
  '/suggest': { needed: 'question', wrong: { limit: 'all' } },
  '/v1/completions': { needed: 'prompt', wrong: { temperature: 'hot' } },
  '/v1/chat/completions': { needed: 'messages', wrong: { messages: [{ role: 'tool', content: 'x' }] } },
  '/v1/responses': { needed: 'input', wrong: { input: 7 } },
  '/v1/messages': { needed: 'max_tokens', wrong: { system: 7 } },
}
const posts = Object.keys(good)
const gets = () => ['/health', '/v1/models', '/states?limit=5', `/states/${hash}`, `/receipts/${receipt}`]

const without = (body: Record<string, unknown>, field: string) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => name !== field))
/** The address of a documented path. */
const at = (path: string, state = hash) => path.replace('{hash}', state)
/** The document's own schema of a response, to check it with. */
const schemaOf = (path: string, method: string, status: string) => {
  const response = document.paths[path]?.[method]?.responses[status]
  if (response === undefined) throw new Error(`${method} ${path} ${status} is not documented`)
  return z.fromJSONSchema(response.content['application/json'].schema)
}

beforeAll(async () => {
  api = await startTestApi({ bodyLimit: LIMIT })
  document = (await api.ask('/openapi.json')).json
  const { json } = await api.ask('/states', good['/states']?.())
  hash = json.state_hash
  receipt = json.receipt.receipt_id
  const made = ['Rent is due.', 'Pets are welcome.'].map(base_text =>
    api.ask('/states', { base_text, model: 'starter-mamba' }),
  )
  recurrent = (await Promise.all(made)).map(({ json }) => json.state_hash)
})
afterAll(() => api.close())

describe('every route', () => {
  it('is in the table', () => {
    const documented = Object.entries<object>(document.paths).filter(([, methods]) => 'post' in methods)
    expect(documented.map(([path]) => path).sort()).toEqual([...posts].sort())
  })

  it.each(posts)('POST %s answers as the document says, and refuses what is not as it says', async path => {
    const body = good[path]?.() ?? {}
    const answered = await api.ask(at(path), body)
    expect(answered.status).toBe(200)
    schemaOf(path, 'post', '200').parse(answered.json)

    const { needed, wrong } = fields[path] ?? { needed: '', wrong: {} }
    const bad = [
      ...(needed === '' ? [] : [[without(body, needed), 400, 'E_BAD_INPUT']]),
      [{ ...body, ...wrong }, 400, 'E_BAD_INPUT'],
      [{ ...body, no_such_field: 1 }, 400, 'E_BAD_INPUT'],
      [[], 400, 'E_BAD_INPUT'],
      ...('state_hash' in body ? [[{ ...body, state_hash: UNKNOWN }, 404, 'E_NOT_FOUND']] : []),
      ...(path.startsWith('/v1/') ? [[{ ...body, state: UNKNOWN }, 404, 'E_NOT_FOUND']] : []),
      ...('model' in body ? [[{ ...body, model: 'no-such-model' }, 404, 'E_UNKNOWN_MODEL']] : []),
      [{ ...body, too_long: 'x'.repeat(LIMIT) }, 413, 'E_TOO_LARGE'],
    ] as const
    for (const [sent, status, code] of bad) {
      const refused = await api.ask(at(path), sent)
      expect({ sent: JSON.stringify(sent).slice(0, 80), status: refused.status }).toMatchObject({ status })
      expect(refused.json.error.code).toBe(code)
      schemaOf(path, 'post', 'default').parse(refused.json)
    }
    const named = await api.ask(at(path), { ...body, no_such_field: 1 })
    expect(named.json.error.message).toContain('no_such_field')
    const broken = await api.send(at(path), body, { body: '{"a":' })
    expect([broken.status, (await broken.json()).error.code]).toEqual([400, 'E_BAD_JSON'])
    const plain = await api.send(at(path), body, { headers: { 'content-type': 'text/plain' } })
    expect(plain.status).toBe(415)
  })

  it('GET answers as the document says', async () => {
    for (const path of gets()) {
      const answered = await api.ask(path)
      expect({ path, status: answered.status }).toEqual({ path, status: 200 })
      const documented = path.replace(hash, '{hash}').replace(receipt, '{id}').replace(/\?.*/, '')
      schemaOf(documented, 'get', '200').parse(answered.json)
    }
    expect(await api.ask(`/states/${UNKNOWN}`)).toMatchObject({ status: 404, json: { error: { code: 'E_NOT_FOUND' } } })
    expect((await api.ask(`/receipts/${UNKNOWN}`)).status).toBe(404)
    expect((await api.ask(at('/states/{hash}', UNKNOWN), { name: 'lost' })).status).toBe(404)
    expect(await api.ask('/states?limit=many')).toMatchObject({ status: 400, json: { error: { code: 'E_BAD_INPUT' } } })
    expect((await api.ask('/states?no_such_field=1')).json.error.message).toContain('no_such_field')
    expect((await api.ask('/nothing')).status).toBe(404)
  })

  it('wants the token, its own address, and no foreign page', async () => {
    const head = (path: string, headers: Record<string, string>) =>
      new Promise<number>(resolve =>
        request(`${api.api.address}${path}`, { headers }, response => {
          response.resume()
          resolve(response.statusCode ?? 0)
        }).end(),
      )
    const authorization = `Bearer ${api.api.token}`
    for (const path of [...gets(), '/metrics'].filter(path => path !== '/health')) {
      expect(await head(path, {})).toBe(401)
      expect(await head(path, { authorization: 'Bearer wrong' })).toBe(401)
      expect(await head(path, { authorization })).toBe(200)
      expect(await head(path, { 'x-api-key': api.api.token })).toBe(200)
      expect(await head(path, { authorization, host: 'evil.example' })).toBe(403)
      expect(await head(path, { authorization, host: `127.0.0.1.evil.example:${api.api.port}` })).toBe(403)
      expect(await head(path, { authorization, origin: 'http://evil.example' })).toBe(403)
      expect(await head(path, { authorization, 'sec-fetch-site': 'cross-site' })).toBe(403)
    }
    expect(await head('/health', {})).toBe(200)
    expect(await head('/health', { host: 'evil.example' })).toBe(403)
    for (const path of posts)
      expect((await api.send(at(path), {}, { headers: { authorization: 'x' } })).status).toBe(401)
  })
})

describe('a client that', () => {
  // Hot enough that no answer ends by itself.
  const sampling = { temperature: 5, seed: 1 }
  const long = () => ({ state_hash: hash, delta_text: 'Go on.', max_new_tokens: 400, sampling, stream: true })
  /** Calls the engine still works on. */
  const running = async () => {
    const { models } = (await api.client.call('memory.status', {})) as { models: { heldBy: string[] }[] }
    return models.flatMap(({ heldBy }) => heldBy).filter(name => name === 'packets.infer').length
  }

  it('hangs up, leaves nothing behind', async () => {
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
    await expect.poll(running, { timeout: 20_000 }).toBe(0)
    expect((await api.client.call('receipts.list', { op: 'infer' })).total).toBe(before.total)
    expect((await api.ask('/infer', good['/infer']?.())).status).toBe(200)
  })

  it('does not read, keeps nobody else from being answered', async () => {
    const body = JSON.stringify(long())
    const slow = connect(api.api.port, '127.0.0.1')
    slow.pause()
    slow.write(
      `POST /infer HTTP/1.1\r\nhost: 127.0.0.1:${api.api.port}\r\nauthorization: Bearer ${api.api.token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect((await api.ask('/infer', good['/infer']?.())).status).toBe(200)
    expect((await api.ask('/health')).status).toBe(200)
    slow.destroy()
    await expect.poll(running, { timeout: 20_000 }).toBe(0)
  })
})

describe('a server that closes', () => {
  it('lets a running answer end, and takes no new request', async () => {
    const closing = await startTestApi()
    const { json } = await closing.ask('/states', good['/states']?.())
    const sent = { state_hash: json.state_hash, delta_text: 'Who?', max_new_tokens: 40, stream: true }
    const response = await closing.send('/infer', sent)
    const closed = closing.close()
    const text = await response.text()
    expect(text).toMatch(/event: result\n/)
    await closed
    await expect(closing.send('/health')).rejects.toThrow()
  })
})
