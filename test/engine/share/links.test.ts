/**
 * What a link may lead to: addresses on the internet and nothing nearer, however it is written, redirected or resolved. No
 * connection is made to anything else: servers listen where the forms lead, and nothing arrives.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PATIENCE } from '#engine/network/patientFetch.ts'
import { createSafeFetch } from '#engine/network/safeFetch.ts'
import { linkedFile } from '#engine/share/linkedFile.ts'
import { parsePlace, showPlace } from '#engine/share/place.ts'
import { addressIn, studioLink } from '#shared/domain/studioLink.ts'
import { namedLookup } from '../network/namedLookup.ts'

const HUB = 'https://huggingface.co'
let connections = 0
let port = 0
let answer: (path: string) => {
  status: number
  headers?: Record<string, string | number>
  body?: Uint8Array
  cut?: number
}
const paths: string[] = []
const server = createServer((request, response) => {
  paths.push(`${request.url} ${request.headers.range ?? ''}`.trim())
  const { status, headers = {}, body = Buffer.of(), cut } = answer(request.url ?? '')
  response.writeHead(status, headers)
  if (cut === undefined) response.end(body)
  else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 5))
})
server.on('connection', () => connections++)

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '::', resolve))
  port = (server.address() as AddressInfo).port
})
beforeEach(() => {
  connections = 0
  paths.length = 0
  answer = () => ({ status: 200 })
})
afterAll(() => new Promise(resolve => server.close(resolve)))

const INTERNAL = {
  ...{ localhost: ['127.0.0.1'], 'localhost.': ['127.0.0.1'], 'app.localhost': ['127.0.0.1'] },
  ...{ 'loop.example': ['127.0.0.1'], 'six.example': ['::1'], 'mapped.example': ['::ffff:127.0.0.1'] },
  ...{ 'private.example': ['10.1.2.3'], 'cloud.example': ['169.254.169.254'], 'zero.example': ['0.0.0.0'] },
  ...{ 'mixed.example': ['127.0.0.1 10.0.0.1'], 'unique.example': ['fd12::1'], 'link.example': ['fe80::1'] },
}

/** Ways to write an address of this machine or its network. */
const NEAR = [
  ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0x7f.0.0.1', '017700000001', '0177.1'],
  ...['0177.0.0.01', '127.000.000.001', '127.0.0.2', '127.255.255.254', '0', '0.0.0.0', '0x0', '00', '1', '0.1'],
  ...['①②⑦.⓪.⓪.①', '127。0。0。1', '127．0．0．1', '１２７.０.０.１', '127.0.0.1.'],
  ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::0001]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
  ...['[0:0:0:0:0:ffff:127.0.0.1]', '[::127.0.0.1]', '[::7f00:1]', '[64:ff9b::7f00:1]', '[64:ff9b::127.0.0.1]'],
  ...['[2002:7f00:1::]', '[2002:7f00:0001::1]', '[::ffff:0:7f00:1]', '[::FFFF:127.0.0.1]', '[::ffff:10.0.0.1]'],
  ...['10.0.0.1', '10.255.255.255', '0xa.1', '167772161', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.1.1'],
  ...['3232235777', '0xc0a80101', '100.64.0.1', '100.127.255.254', '169.254.169.254', '0xa9fea9fe', '2852039166'],
  ...['169.254.0.1', '[fe80::1]', '[fd00::1]', '[fc00::1]', '[fd00:ec2::254]', '[fec0::1]', '[2002:a00:1::]'],
  ...['[64:ff9b::a00:1]', '[64:ff9b::a9fe:a9fe]', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]'],
  ...['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255'],
  ...['240.0.0.1', '255.255.255.255', '4294967295', '[ff02::1]', '[2001:db8::1]', '[100::1]'],
  ...Object.keys(INTERNAL),
]

it(`has at least 80 ways to be asked for something near`, () => expect(NEAR.length).toBeGreaterThanOrEqual(80))

it.each(NEAR)('leads not to %s', async host => {
  const url = new URL(`http://${host}:${port}/x.cartridge`)
  const fetch = createSafeFetch(url, { lookup: namedLookup(INTERNAL), nearest: 'public' })
  await expect(fetch(url)).rejects.toMatchObject({ code: 'E_NETWORK' })
  expect(connections).toBe(0)
})

/** Where a server may send whoever asks it, step by step; only the last step is refused, and nobody is asked there. */
const CHAINS: readonly (readonly string[])[] = [
  ...[
    'file:///etc/passwd',
    'ftp://HOST/',
    'data:text/plain,x',
    'javascript:alert(1)',
    'gopher://127.0.0.1/',
    'http://[',
  ],
  ...[
    'http://user:secret@HOST/',
    '//user@HOST/',
    'ws://HOST/',
    'blob:http://HOST/x',
    'about:blank',
    'mailto:a@b.example',
  ],
  ...[
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://cloud.example/',
    'http://0xa9fea9fe/',
  ],
].flatMap((last, i) => [[last], ['/a', '//HOST/b', 'http://localhost:PORT/c', last].slice(i % 4)])

it('has at least 20 chains of redirects', () => expect(CHAINS.length).toBeGreaterThanOrEqual(20))

it.each(CHAINS.map(chain => [chain.join(' -> '), chain] as const))('is not led on by %s', async (_, chain) => {
  const here = (step: string) => step.replace('HOST', `loop.example:${port}`).replace('PORT', `${port}`)
  let step = 0
  answer = () => ({ status: 302, headers: { location: here(chain[step++] ?? '/end') } })
  const home = new URL(`http://loop.example:${port}/x.cartridge`)
  // A server of this very machine may lead to itself by its other names, and neither into the network nor anywhere else.
  const fetch = createSafeFetch(home, { lookup: namedLookup(INTERNAL) })
  await expect(fetch(home)).rejects.toMatchObject({ code: 'E_NETWORK' })
  expect(step).toBe(chain.length)
})

it.each(NEAR)('is not sent on to %s by a server on the internet', async host => {
  // Each step of a chain goes through the same door; asked for directly, so that no server on the internet is needed.
  const fetch = createSafeFetch(new URL('http://far.example/'), { lookup: namedLookup(INTERNAL), nearest: 'public' })
  await expect(fetch(`http://${host}:${port}/`)).rejects.toMatchObject({ code: 'E_NETWORK' })
  expect(connections).toBe(0)
})

it('is not moved nearer by a name that means another address the second time', async () => {
  for (const moved of ['127.0.0.1', '10.0.0.1', '::1', '169.254.169.254']) {
    const url = new URL(`http://rebinding.example:${port}/x.cartridge`)
    const controller = new AbortController()
    const lookup = namedLookup({ 'rebinding.example': ['203.0.114.1', moved] }, () => controller.abort())
    const fetch = createSafeFetch(url, { lookup, nearest: 'public' })
    expect(await fetch(url, { signal: controller.signal }).catch(() => 'left')).toBe('left')
    await expect(fetch(url)).rejects.toMatchObject({ code: 'E_NETWORK' })
  }
  expect(connections).toBe(0)
})

describe('an address', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  it.each([
    ['ghcr.io/you/handbook:v1', 'registry', 'ghcr.io/you/handbook:v1'],
    [`oci://ghcr.io/you/handbook@${digest}`, 'registry', `ghcr.io/you/handbook@${digest}`],
    ['localhost:5000/x', 'registry', 'localhost:5000/x'],
    ['http://registry.lan/x', 'registry', 'http://registry.lan/x'],
    ['https://localhost:5000/x', 'registry', 'https://localhost:5000/x'],
    ['hf://you/handbook', 'hub', 'hf://you/handbook'],
    ['hf:you/handbook@v2', 'hub', 'hf://you/handbook@v2'],
    ['https://huggingface.co/you/handbook', 'hub', 'hf://you/handbook'],
    ['https://huggingface.co/you/handbook/tree/v2', 'hub', 'hf://you/handbook@v2'],
    ['https://example.org/a/b.cartridge', 'file', 'https://example.org/a/b.cartridge'],
    ['https://example.org/get?id=7', 'file', 'https://example.org/get?id=7'],
    [studioLink('hf://you/handbook'), 'hub', 'hf://you/handbook'],
    [studioLink('https://example.org/b.cartridge'), 'file', 'https://example.org/b.cartridge'],
    ['shipped:harbour-ferry', 'shipped', 'shipped:harbour-ferry'],
  ])('%s is one of a %s', (text, kind, shown) => {
    const place = parsePlace(text, HUB)
    expect([place.kind, showPlace(place)]).toEqual([kind, shown])
    expect(parsePlace(showPlace(place), HUB)).toEqual(place)
  })

  it.each([
    ...['', 'handbook', 'hf://you', 'hf://you/..', 'hf://you/a/b', 'hf://../x', 'hf://you/x@../y', 'shipped:../x'],
    ...[
      'shipped:/etc/passwd',
      'http://example.org/b.cartridge',
      'https://u:p@example.org/b.cartridge',
      'file:///etc/passwd',
    ],
    ...[
      'statepack://import?from=file:///etc/passwd',
      'javascript:alert(1)',
      'hf://you/x@',
      'https://huggingface.co/you',
    ],
  ])('%s is refused', text => {
    expect(() => parsePlace(text, HUB)).toThrow(expect.objectContaining({ code: 'E_BAD_INPUT' }))
  })

  it('is what a link names, or nothing', () => {
    for (const address of ['https://a.example/b?c=d&e=f#g', 'oci://ghcr.io/a/b:c', 'hf://a/b@c'])
      expect(addressIn(studioLink(address))).toBe(address)
  })
})

describe('a file behind an address', () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251))
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'statepack-linked-'))
    return () => rm(folder, { recursive: true, force: true })
  })
  const fetched = (path = '/x.cartridge') => {
    const url = new URL(`http://127.0.0.1:${port}${path}`)
    const safeFetch = createSafeFetch(url)
    const patience = { ...PATIENCE, pauseMs: 1, attempts: 20 }
    return linkedFile(url, folder, { server: url.host, fetch: (to, request) => safeFetch(to, request), patience })
  }

  /** From where it is asked for, and a thousand bytes at a time. */
  function cutEvery1000() {
    const [, from = '0'] = /bytes=(\d+)-/.exec(paths.at(-1) ?? '') ?? []
    const part = bytes.subarray(Number(from))
    const range: Record<string, string> = from === '0' ? {} : { 'content-range': `bytes ${from}-4999/5000` }
    const headers = { 'content-length': part.length, etag: '"one"', ...range }
    return { status: from === '0' ? 200 : 206, headers, body: part, ...(part.length > 1000 ? { cut: 1000 } : {}) }
  }

  it('goes on where it was cut, and is not fetched again while it is the same', async () => {
    answer = () => cutEvery1000()
    expect(await readFile(await fetched())).toEqual(bytes)
    // What a broken connection still held may be lost with it, and is asked for again.
    expect([...new Set(paths)]).toEqual(
      ['', ' bytes=1000-', ' bytes=2000-', ' bytes=3000-', ' bytes=4000-'].map(end => `/x.cartridge${end}`),
    )
    const before = paths.length
    await fetched()
    expect(paths).toHaveLength(before + 1)
  })

  it('is fetched by one at a time, however many ask', async () => {
    answer = () => cutEvery1000()
    const places = await Promise.all([fetched(), fetched(), fetched()])
    expect(new Set(places).size).toBe(1)
    expect(await readFile(places[0] ?? '')).toEqual(bytes)
    // The first one fetches it piece by piece, from further on each time but for what a broken connection lost. The others ask once.
    const froms = paths.map(path => Number(/bytes=(\d+)-/.exec(path)?.[1] ?? 0))
    const pieces = froms.slice(0, froms.lastIndexOf(4000) + 1)
    expect([...new Set(pieces)]).toEqual([0, 1000, 2000, 3000, 4000])
    expect(pieces).toEqual(pieces.toSorted((a, b) => a - b))
    expect(froms.slice(pieces.length)).toEqual([0, 0])
  })

  it('begins anew where the server does not say that it is the same', async () => {
    let times = 0
    answer = () => ({
      status: 200,
      headers: { 'content-length': 5000 },
      body: bytes,
      ...(times++ === 0 ? { cut: 1000 } : {}),
    })
    expect(await readFile(await fetched())).toEqual(bytes)
    expect(new Set(paths)).toEqual(new Set(['/x.cartridge']))
  })

  it.each([
    [404, 'E_NOT_FOUND'],
    [401, 'E_UNAUTHORIZED'],
    [403, 'E_FORBIDDEN'],
    [418, 'E_NETWORK'],
  ])('that is answered with %s is refused', async (status, code) => {
    answer = () => ({ status })
    await expect(fetched()).rejects.toMatchObject({ code })
  })

  it('may not be larger than it says', async () => {
    answer = () => ({ status: 200, headers: { 'content-length': 2 ** 37 } })
    await expect(fetched()).rejects.toMatchObject({ code: 'E_TOO_LARGE' })
  })
})
