import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGate, type GateRules, type Verdict } from '#hosts/loopback/gate.ts'
import type { RequestHead } from '#hosts/loopback/requestHead.ts'
import { encodeFrame, FRAME_TYPE } from '#shared/rpc/codec.ts'
import { rawRequest } from './rawRequest.ts'
import { startTestServer, type TestServer } from './startTestServer.ts'

/** One way a request can be; `good` is what the Studio's own page sends. */
interface Choice {
  readonly name: string
  readonly good: boolean
  readonly headers: readonly string[]
}

const choice = (name: string, good: boolean, ...headers: string[]): Choice => ({ name, good, headers })

function choicesFor(server: { port: number; token: string }) {
  const own = `127.0.0.1:${server.port}`
  return {
    host: [
      choice('own', true, `Host: ${own}`),
      choice('evil name', false, `Host: evil.example:${server.port}`),
      choice('rebound name', false, 'Host: 127.0.0.1.evil.example'),
      choice('localhost', false, `Host: localhost:${server.port}`),
      choice('no port', false, 'Host: 127.0.0.1'),
      choice('twice', false, `Host: ${own}`, 'Host: evil.example'),
      choice('user part', false, `Host: x@${own}`),
    ],
    origin: [
      choice('own', true, `Origin: http://${own}`),
      choice('none', false),
      choice('null', false, 'Origin: null'),
      choice('evil', false, 'Origin: http://evil.example'),
      choice('https', false, `Origin: https://${own}`),
      choice('own as a prefix', false, `Origin: http://${own}.evil.example`),
    ],
    method: ['POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'],
    type: [
      choice('frames', true, `Content-Type: ${FRAME_TYPE}`),
      choice('none', false),
      choice('plain', false, 'Content-Type: text/plain'),
      choice('form', false, 'Content-Type: application/x-www-form-urlencoded'),
      choice('json', false, 'Content-Type: application/json'),
    ],
    token: [
      choice('right', true, `Authorization: Bearer ${server.token}`),
      choice('none', false),
      choice('empty', false, 'Authorization: Bearer '),
      choice('wrong', false, `Authorization: Bearer ${'A'.repeat(server.token.length)}`),
      choice('cut', false, `Authorization: Bearer ${server.token.slice(0, -1)}`),
      choice('other scheme', false, `Authorization: Basic ${server.token}`),
    ],
    site: [
      choice('same-origin', true, 'Sec-Fetch-Site: same-origin'),
      choice('absent', true),
      choice('cross-site', false, 'Sec-Fetch-Site: cross-site'),
      choice('same-site', false, 'Sec-Fetch-Site: same-site'),
      choice('none', false, 'Sec-Fetch-Site: none'),
    ],
  }
}

type Pick = Record<'host' | 'origin' | 'type' | 'token' | 'site', Choice> & { readonly method: string }

/** All requests with at most two things wrong, and every Host x Origin x method x type x token on top. */
function combinations(server: { port: number; token: string }): Pick[] {
  const all = choicesFor(server)
  const picks: Pick[] = []
  for (const host of all.host)
    for (const origin of all.origin)
      for (const method of all.method)
        for (const type of all.type)
          for (const token of all.token)
            for (const site of all.site) {
              const wrong = [host, origin, type, token, site].filter(c => !c.good).length + (method === 'POST' ? 0 : 1)
              if (wrong <= 2) picks.push({ host, origin, method, type, token, site })
            }
  return picks
}

const allowed = (pick: Pick) =>
  pick.method === 'POST' && [pick.host, pick.origin, pick.type, pick.token, pick.site].every(c => c.good)

const describePick = (pick: Pick) =>
  `${pick.method} host=${pick.host.name} origin=${pick.origin.name} type=${pick.type.name} token=${pick.token.name} site=${pick.site.name}`

/** Sends every combination from raw sockets; returns those let in that should not be, and the reverse. */
async function wronglyJudged(test: TestServer): Promise<{ tried: number; wrong: string[] }> {
  const picks = combinations(test.server)
  const body = encodeFrame({})
  const wrong: string[] = []
  let next = 0
  const worker = async () => {
    for (let pick = picks[next++]; pick !== undefined; pick = picks[next++]) {
      const head = [
        `${pick.method} /rpc/savings.reset HTTP/1.1`,
        ...pick.host.headers,
        ...pick.origin.headers,
        ...pick.type.headers,
        ...pick.token.headers,
        ...pick.site.headers,
        `Content-Length: ${body.length}`,
        'Connection: close',
      ]
      const answer = await rawRequest(test.server.port, head, body)
      const cors = Object.keys(answer.headers).some(name => name.startsWith('access-control-'))
      if ((answer.status === 200) !== allowed(pick) || cors) wrong.push(`${describePick(pick)} -> ${answer.status}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return { tried: picks.length, wrong }
}

/** Counts the calls that really reached the engine. */
function countCalls(test: TestServer): () => number {
  let calls = 0
  test.supervisor.subscribe(name => {
    if (name === 'savings.changed') calls += 1
  })
  return () => calls
}

describe('the loopback host', () => {
  let test: TestServer
  beforeAll(async () => {
    test = await startTestServer()
    await test.supervisor.settled()
  })
  afterAll(() => test.close())

  it('lets in what its own page sends and nothing else, over 400 combinations from raw sockets', async () => {
    const calls = countCalls(test)
    const { tried, wrong } = await wronglyJudged(test)
    expect(wrong).toEqual([])
    expect(tried).toBeGreaterThan(400)
    expect(calls()).toBe(combinations(test.server).filter(allowed).length)
  })

  it.each([
    ['absolute form', 'GET http://evil.example/health HTTP/1.1'],
    ['two slashes', 'GET //evil.example/health HTTP/1.1'],
    ['asterisk', 'OPTIONS * HTTP/1.1'],
    ['proxying', 'CONNECT evil.example:443 HTTP/1.1'],
    ['no path', 'GET health HTTP/1.1'],
  ])('refuses a request target in %s', async (_name, line) => {
    const answer = await rawRequest(test.server.port, [
      line,
      `Host: 127.0.0.1:${test.server.port}`,
      'Connection: close',
    ])
    expect([0, 400, 405]).toContain(answer.status)
  })

  it.each([
    ['PUT', '/', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['POST', '/events', 'GET'],
    ['GET', '/rpc/engine.status', 'POST'],
    ['GET', '/uploads/one', 'POST'],
  ])('answers %s %s with the methods that it takes', async (method, path, allow) => {
    const head = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${test.server.port}`, 'Connection: close']
    const { status, headers } = await rawRequest(test.server.port, head)
    expect([status, headers.allow]).toEqual([405, allow])
  })

  it('shows its page and its health to the address bar, not to other sites, and sends no CORS header', async () => {
    const get = (path: string, ...headers: string[]) =>
      rawRequest(test.server.port, [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${test.server.port}`,
        ...headers,
        'Connection: close',
      ])
    const page = await get('/', 'Sec-Fetch-Site: none')
    expect(page.status).toBe(200)
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'/)
    expect(page.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    })
    for (const site of ['cross-site', 'same-site']) {
      expect((await get('/', `Sec-Fetch-Site: ${site}`)).status).toBe(403)
      expect((await get('/health', `Sec-Fetch-Site: ${site}`)).status).toBe(403)
    }
    expect((await get('/', 'Origin: http://evil.example')).status).toBe(403)
    expect((await get('/events')).status).toBe(401)
    expect((await get('/no/such.js')).status).toBe(404)
    for (const path of [
      '/../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/..%2f..%2fetc/passwd',
      '/assets/../../secret.txt',
    ]) {
      expect((await get(path)).body).not.toMatch(/root:/)
    }
    expect(JSON.parse((await get('/health')).body)).toMatchObject({ engine: { state: 'ready' } })
  })

  it('never puts the token where a server or a log could see it', () => {
    expect(new URL(test.server.address).hash).toBe(`#/?token=${test.server.token}`)
    expect(new URL(test.server.address).search).toBe('')
    expect(test.server.token).toMatch(/^[\w-]{43}$/)
  })
})

describe('negative controls: each hole made on purpose is found by the same combinations', () => {
  /** Gives the gate a head that already looks right in one respect. */
  const repaired = (repair: (head: RequestHead, rules: GateRules) => RequestHead) => (rules: GateRules) => {
    const gate = createGate(rules)
    return (head: RequestHead): Verdict => gate(repair(head, rules))
  }
  const withHeader = (head: RequestHead, name: string, value: string): RequestHead => {
    const kept: string[] = []
    for (let i = 0; i + 1 < head.rawHeaders.length; i += 2) {
      const key = head.rawHeaders[i] ?? ''
      if (key.toLowerCase() !== name.toLowerCase()) kept.push(key, head.rawHeaders[i + 1] ?? '')
    }
    return { ...head, rawHeaders: [...kept, name, value] }
  }
  it.each([
    ['Host', repaired((head, rules) => withHeader(head, 'Host', rules.host))],
    ['Origin', repaired((head, rules) => withHeader(head, 'Origin', `http://${rules.host}`))],
    ['type', repaired(head => withHeader(head, 'Content-Type', FRAME_TYPE))],
    ['token', repaired((head, rules) => withHeader(head, 'Authorization', `Bearer ${rules.token}`))],
    ['fetch metadata', repaired(head => withHeader(head, 'Sec-Fetch-Site', 'same-origin'))],
  ])('%s not checked', async (_name, makeGate) => {
    const test = await startTestServer({ makeGate })
    await test.supervisor.settled()
    const { wrong } = await wronglyJudged(test)
    await test.close()
    expect(wrong.length).toBeGreaterThan(0)
  })
})
