/** No server that a person did not choose leads nearer to this machine than the chosen one, or gets what is for that one. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSafeFetch, isLoopback } from '#engine/network/safeFetch.ts'
import { namedLookup } from './namedLookup.ts'

let seen: { url: string; authorization: string | undefined }[]
let answer: (request: IncomingMessage, response: ServerResponse) => void
let port: number
let close: () => Promise<void>
beforeEach(async () => {
  seen = []
  answer = (_, response) => response.end('here')
  const server = createServer((request, response) => {
    seen.push({ url: `${request.headers.host}${request.url}`, authorization: request.headers.authorization })
    answer(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  close = () =>
    new Promise(resolve => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
})
afterEach(() => close())

const refused = { code: 'E_NETWORK', message: expect.stringContaining('nearer to this machine') }

describe('a server that was chosen', () => {
  it('may be on this machine, by name and by number', async () => {
    for (const host of ['127.0.0.1', 'localhost', 'registry.localhost']) {
      const home = new URL(`http://${host}:${port}/`)
      const fetch = createSafeFetch(home, {
        lookup: namedLookup({ localhost: ['127.0.0.1'], 'registry.localhost': ['127.0.0.1'] }),
      })
      expect(await (await fetch(home)).text()).toBe('here')
      expect(isLoopback(home)).toBe(true)
    }
    expect(isLoopback(new URL('https://registry.example'))).toBe(false)
  })

  it('may have more names: another one of its own address leads no nearer than itself', async () => {
    const home = new URL(`http://mirror.example:${port}/`)
    const found = namedLookup({
      'mirror.example': ['127.0.0.1'],
      'files.example': ['127.0.0.1'],
      'near.example': ['::1'],
    })
    const fetch = createSafeFetch(home, { lookup: found })
    expect(await (await fetch(home)).text()).toBe('here')
    expect(await (await fetch(`http://files.example:${port}/`)).text()).toBe('here')
    // Chosen in a network that answers for the internet, at an address that no server on the internet has.
    const gateway = createSafeFetch(new URL('http://203.0.113.80/'), {
      lookup: namedLookup({ 'other.example': ['203.0.113.81'] }),
    })
    await expect(gateway('http://other.example/')).rejects.toMatchObject(refused)
  })

  it('cannot move nearer later: its name is held to how far away it was', async () => {
    const home = new URL(`http://far.example:${port}/`)
    const controller = new AbortController()
    const addresses = { 'far.example': ['203.0.114.1', '127.0.0.1'] }
    const fetch = createSafeFetch(home, { lookup: namedLookup(addresses, () => controller.abort()) })
    expect(await fetch(home, { signal: controller.signal }).catch(() => 'left')).toBe('left')
    await expect(fetch(home)).rejects.toMatchObject(refused)
    expect(seen).toEqual([])
  })
})

describe('a server on the internet', () => {
  const home = new URL('http://far.example/')
  const fetch = () =>
    createSafeFetch(home, {
      lookup: namedLookup({
        'far.example': ['203.0.114.1'],
        'evil.example': ['127.0.0.1'],
        'six.example': ['::ffff:127.0.0.1'],
      }),
    })

  it.each([
    ...['127.0.0.1', 'localhost', '0.0.0.0', '2130706433', '0x7f.1', '017700000001', '127.1', '[::1]', '[::]'],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', 'evil.example', 'six.example'],
    ...['10.0.0.1', '192.168.0.1', '172.16.5.5', '100.64.0.1', '169.254.169.254', '[fd00::1]', '[fe80::1]'],
    ...['[fd00:ec2::254]', '①②⑦.⓪.⓪.①', '127。0。0。1'],
  ])('leads not to %s', async host => {
    const lookup = namedLookup({
      localhost: ['127.0.0.1'],
      'evil.example': ['127.0.0.1'],
      'six.example': ['::ffff:127.0.0.1'],
    })
    await expect(createSafeFetch(home, { lookup })(`http://${host}:${port}/`)).rejects.toMatchObject(refused)
    expect(seen).toEqual([])
  })

  it.each(['file:///etc/passwd', 'ftp://far.example/', 'http://user:secret@far.example/', 'data:text/plain,x'])(
    'leads not to %s',
    async url => {
      await expect(fetch()(url)).rejects.toMatchObject({ code: 'E_NETWORK' })
    },
  )

  it('leads from https to nothing without it', async () => {
    await expect(createSafeFetch(new URL('https://far.example'))('http://far.example/')).rejects.toMatchObject({
      code: 'E_NETWORK',
      message: expect.stringContaining('not secure'),
    })
  })
})

describe('redirects', () => {
  it('take authorization to the origin it is for, and to no other one', async () => {
    const lookup = namedLookup({ 'a.localhost': ['127.0.0.1'], 'b.localhost': ['127.0.0.1'] })
    const at = (name: string, path: string) => `http://${name}.localhost:${port}${path}`
    answer = ({ url }, response) => {
      const next = { '/one': at('b', '/two'), '/two': at('a', '/three') }[url ?? '']
      if (next === undefined) response.end('end')
      else response.writeHead(302, { location: next }).end()
    }
    const fetch = createSafeFetch(new URL(at('a', '/')), { lookup })
    expect(await (await fetch(at('a', '/one'), { authorization: 'Bearer secret' })).text()).toBe('end')
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer secret', undefined, 'Bearer secret'])
  })

  it('of what writes are not followed', async () => {
    answer = (_, response) => response.writeHead(307, { location: '/elsewhere' }).end()
    const fetch = createSafeFetch(new URL(`http://127.0.0.1:${port}`))
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: async function* () {
        yield new Uint8Array(3)
      },
    })
    expect(response.status).toBe(307)
    expect(seen).toHaveLength(1)
  })
})
