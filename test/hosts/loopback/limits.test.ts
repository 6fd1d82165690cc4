import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createFrameStream } from '#hosts/loopback/frameStream.ts'
import { guardServer } from '#hosts/loopback/guardServer.ts'
import { startTestServer, type TestServer } from './startTestServer.ts'

let open: TestServer[] = []
const start = async (options: Parameters<typeof startTestServer>[0] = {}) => {
  const test = await startTestServer(options)
  open.push(test)
  return test
}
afterEach(async () => {
  await Promise.all(open.map(test => test.close()))
  open = []
})

const until = async (what: () => Promise<boolean> | boolean) => {
  while (!(await what())) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('one client', () => {
  it('has so many event streams and no more, and a new one when one of them ends', async () => {
    const { server } = await start({ maxEventStreams: 2 })
    const headers = { authorization: `Bearer ${server.token}` }
    const listen = (signal?: AbortSignal) => fetch(`${server.origin}/events`, { headers, signal: signal ?? null })
    const first = new AbortController()
    expect((await listen(first.signal)).status).toBe(200)
    expect((await listen()).status).toBe(200)
    const refused = await listen()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ error: { code: 'E_BUSY' } })
    first.abort()
    await until(async () => (await listen()).status === 200)
  })

  it('loses its oldest silent connections, and is answered all the same', async () => {
    const { server } = await start()
    const sockets: Socket[] = []
    let closed = 0
    for (let i = 0; i < 300; i++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.on('close', () => closed++)
      sockets.push(socket)
      await new Promise(resolve => socket.once('connect', resolve))
    }
    await until(() => closed >= 44)
    expect(sockets.slice(0, 40).every(socket => socket.closed)).toBe(true)
    expect(sockets.at(-1)?.closed).toBe(false)
    const health = await fetch(`${server.origin}/health`, { headers: { authorization: `Bearer ${server.token}` } })
    expect(health.status).toBe(200)
    for (const socket of sockets) socket.destroy()
  })

  it('that opened a connection ahead of need and asked nothing is told nothing, since it would take that for its answer', async () => {
    const server = createServer({ connectionsCheckingInterval: 20 }, (_, answer) => answer.end())
    guardServer(server, 8)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    /** What a client hears whose time for its request is over when all of `words` have arrived. */
    const heardBy = async (words: string) => {
      server.headersTimeout = 60_000
      const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
      let heard = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(words))
      socket.on('data', data => {
        heard += data
      })
      const closed = new Promise(resolve => socket.on('close', resolve))
      const atServer = await accepted
      await until(() => atServer.bytesRead === words.length)
      server.headersTimeout = 1
      await closed
      return heard
    }
    expect(await heardBy('')).toBe('')
    expect(await heardBy('GET / HTTP/1.1\r\nHo')).toMatch(/^HTTP\/1\.1 400 /)
    server.close()
  })

  it('that does not read is cut off before its events fill the memory', async () => {
    let ended = 0
    const stream = createFrameStream<{ n: number }>(() => ended++)
    for (let n = 0; n < 100_000; n++) stream.send({ n })
    expect(ended).toBe(1)
    await expect(stream.body.getReader().read()).rejects.toThrow('does not keep up')
  })
})
