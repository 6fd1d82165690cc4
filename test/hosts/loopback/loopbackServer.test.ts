import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#shared/rpc/client.ts'
import { createFrameReader, encodeFrame, FRAME_TYPE } from '#shared/rpc/codec.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { pageTransport } from './pageTransport.ts'
import { openSocket, rawRequest } from './rawRequest.ts'
import { startTestServer, type TestServer } from './startTestServer.ts'

const deep = process.env.DEEP !== undefined
const tensor = (ref: string, layer = 1) => ({ ref, tensor: 'key' as const, layer })
const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const until = async (what: () => boolean) => {
  while (!what()) await sleep(5)
}

function headOf(server: { port: number; token: string; origin: string }, method: string, ...more: string[]): string[] {
  return [
    `POST /rpc/${method} HTTP/1.1`,
    `Host: 127.0.0.1:${server.port}`,
    `Origin: ${server.origin}`,
    `Authorization: Bearer ${server.token}`,
    `Content-Type: ${FRAME_TYPE}`,
    'Connection: close',
    ...more,
  ]
}

describe('the contract over HTTP', () => {
  let test: TestServer
  let transport: ReturnType<typeof pageTransport>
  beforeAll(async () => {
    test = await startTestServer({ bodyLimits: { usual: 100_000, files: 5_000_000, together: 20_000_000 } })
    await test.supervisor.settled()
    transport = pageTransport(test.server)
  })
  afterAll(async () => {
    transport.close()
    await test.close()
  })

  it('takes a file, and no path of one: a page does not choose what is read from this disk', async () => {
    const client = createClient(transport)
    for (const method of ['packets.import', 'packets.review', 'packets.try'] as const) {
      await expect(client.call(method, { path: '/etc/hostname' })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    }
    const job = { title: 'hostname', path: '/etc/hostname' }
    await expect(client.call('jobs.import', job)).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
  })

  it('streams progress, then the answer, with typed arrays', async () => {
    const client = createClient(transport)
    const reports: Progress[] = []
    const output = await client.call('packets.tensor', tensor('progress', 120), { onProgress: p => reports.push(p) })
    expect(reports.map(r => r.done)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1))
    expect(output.values).toEqual(Float32Array.from({ length: 120 }, (_, i) => i / 3))
  })

  it('shows the first progress while the call still runs', async () => {
    const cancel = new AbortController()
    const first = Promise.withResolvers<Progress>()
    const running = transport.call('packets.tensor', tensor('until-cancelled'), {
      signal: cancel.signal,
      onProgress: first.resolve,
    })
    expect(await first.promise).toEqual({ phase: 'waiting' })
    cancel.abort()
    expect(await running).toMatchObject({ error: { code: 'E_CANCELLED' } })
  })

  it('says that it is alive while a call has nothing to say', async () => {
    const own = await startTestServer({ aliveMs: 5 })
    const { token, origin } = own.server
    const response = await fetch(`${origin}/rpc/packets.tensor`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': FRAME_TYPE, origin },
      body: encodeFrame(tensor('until-cancelled')),
    })
    const reader = createFrameReader(1000)
    const kinds: unknown[] = []
    for await (const chunk of response.body ?? []) {
      for (const frame of reader.push(chunk)) kinds.push((frame as { kind: unknown }).kind)
      if (kinds.includes('progress') && kinds.slice(kinds.indexOf('progress')).length > 3) break
    }
    expect(kinds.filter(kind => kind !== 'alive')).toEqual(['progress'])
    expect(kinds.slice(-3)).toEqual(['alive', 'alive', 'alive'])
    await own.close()
  })

  it('says so when an answer cannot be written, and goes on', async () => {
    const answer = async () => ({ ok: true as const, data: 1n })
    const own = await startTestServer({ transport: { call: answer, subscribe: () => () => {} } })
    const page = pageTransport(own.server)
    try {
      for (let times = 0; times < 2; times++)
        expect(await page.call('library.gc', {}, {})).toMatchObject({ ok: false, error: { code: 'E_INTERNAL' } })
    } finally {
      page.close()
      await own.close()
    }
  })

  it('uploads a file as raw bytes and passes on the engine’s own error', async () => {
    const bytes = new Uint8Array(3_000_000).fill(42)
    expect(await transport.call('documents.extract', { name: 'x', bytes }, {})).toMatchObject({
      error: { code: 'E_CONFLICT', message: '3000000 bytes, first 42' },
    })
    expect(await transport.call('library.gc', { dryRun: 3 }, {})).toMatchObject({
      error: { code: 'E_BAD_INPUT', message: expect.stringContaining('dryRun') },
    })
  })

  it('cancels a call whose window went away', async () => {
    const { folder, supervisor, server } = await startTestServer().then(async own => {
      await own.supervisor.settled()
      return own
    })
    const body = encodeFrame(tensor('until-cancelled'))
    const socket = await openSocket(server.port)
    socket.write(`${headOf(server, 'packets.tensor', `Content-Length: ${body.length}`).join('\r\n')}\r\n\r\n`)
    socket.write(body)
    await until(() => supervisor.health().inFlight === 1)
    socket.destroy()
    await until(() => supervisor.health().inFlight === 0)
    expect(existsSync(`${folder}/cancelled`)).toBe(true)
    await server.close()
    await supervisor.dispose()
  })

  it('refuses a body over the limit: announced, chunked (CVE-2026-44456), or lying in its own header', async () => {
    const announced = await rawRequest(
      test.server.port,
      headOf(test.server, 'library.gc', 'Content-Length: 100001'),
      'x',
    )
    expect(announced.status).toBe(413)
    const chunk = (bytes: Uint8Array) =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
    const chunked = await rawRequest(
      test.server.port,
      headOf(test.server, 'library.gc', 'Transfer-Encoding: chunked'),
      Buffer.concat([
        chunk(encodeFrame('x'.repeat(99_000))),
        chunk(new Uint8Array(7).fill(1)),
        chunk(new Uint8Array(2000)),
      ]),
    )
    expect(chunked.status).toBe(413)
    const frame = new Uint8Array(8)
    new DataView(frame.buffer).setUint32(4, 0xffffffff, true)
    const lying = await rawRequest(test.server.port, headOf(test.server, 'library.gc', 'Content-Length: 8'), frame)
    expect(lying.status).toBe(413)
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['no frame', new TextEncoder().encode('{"dryRun":true}')],
    ['half a frame', encodeFrame({}).subarray(0, 10)],
    ['two frames', new Uint8Array([...encodeFrame({}), ...encodeFrame({})])],
  ])('answers 400 to %s', async (_name, body) => {
    const answer = await rawRequest(
      test.server.port,
      headOf(test.server, 'library.gc', `Content-Length: ${body.length}`),
      body,
    )
    expect([400, 413]).toContain(answer.status)
  })

  it('tells every window, and says when the engine went away and came back', async () => {
    const one = pageTransport(test.server)
    const two = pageTransport(test.server)
    const seen: string[][] = [[], []]
    const listen = (index: number) => (name: string, data: unknown) =>
      seen[index]?.push(name === 'engine.status' ? `${name} ${(data as { state: string }).state}` : name)
    one.subscribe(listen(0))
    two.subscribe(listen(1))
    await until(() => seen.every(names => names.includes('engine.status ready')))
    await one.call('savings.reset', {}, {})
    await until(() => seen.every(names => names.includes('savings.changed')))
    test.children.at(-1)?.kill()
    await until(() => seen.every(names => names.includes('engine.status restarting')))
    await until(() => seen.every(names => names.at(-1) === 'engine.status ready'))
    one.close()
    two.close()
  })

  it('opens the event stream again after the host restarted, and has everything read anew', async () => {
    const first = await startTestServer()
    await first.supervisor.settled()
    const own = pageTransport(first.server)
    const seen: string[] = []
    own.subscribe((name, data) => seen.push(name === 'engine.status' ? (data as { state: string }).state : name))
    await until(() => seen.includes('ready'))
    first.server.close()
    await until(() => seen.includes('failed'))
    expect(await own.call('library.gc', {}, {})).toMatchObject({ error: { code: 'E_ENGINE_DOWN' } })
    // The same address and key again, as after a crash of the host that is started over.
    const second = await startTestServer({
      port: first.server.port,
      makeGate: rules => _head => ({ ok: true, route: 'events', rules }) as never,
    })
    await until(() => seen.includes('library.changed'))
    own.close()
    await second.close()
    await first.supervisor.dispose()
  })

  it('says what to do when the key is not valid', async () => {
    const stranger = pageTransport({ ...test.server, token: 'x'.repeat(43) })
    expect(await stranger.call('library.gc', {}, {})).toMatchObject({ error: { code: 'E_UNAUTHORIZED' } })
    const reason = Promise.withResolvers<string>()
    stranger.subscribe((_name, data) => reason.resolve((data as { reason: string }).reason))
    expect(await reason.promise).toContain('Open the Studio again')
    stranger.close()
  })
})

describe('under load', () => {
  it('answers health and calls beside slow connections, and aborted uploads leave nothing behind', async () => {
    const test = await startTestServer({ bodyLimits: { usual: 100_000, files: 5_000_000, together: 20_000_000 } })
    await test.supervisor.settled()
    const slow: Socket[] = []
    for (let i = 0; i < 200; i++) {
      const socket = await openSocket(test.server.port)
      socket.on('error', () => {})
      socket.write(
        i % 2 === 0
          ? 'GET /health HTTP/1.1\r\nHost: '
          : `${headOf(test.server, 'documents.extract', 'Content-Length: 4000000').join('\r\n')}\r\n\r\nabc`,
      )
      slow.push(socket)
    }
    const aborted = deep ? 500 : 60
    for (let i = 0; i < aborted; i++) {
      const socket = await openSocket(test.server.port)
      socket.on('error', () => {})
      socket.write(`${headOf(test.server, 'documents.extract', 'Content-Length: 4000000').join('\r\n')}\r\n\r\n`)
      socket.write(Buffer.alloc(100_000))
      await new Promise(resolve => setImmediate(resolve))
      socket.destroy()
    }
    const transport = pageTransport(test.server)
    expect(await transport.call('library.gc', {}, {})).toMatchObject({ ok: true })
    for (let i = 0; i < 50; i++) expect((await fetch(`${test.server.origin}/health`)).status).toBe(200)
    expect(test.supervisor.health()).toMatchObject({ inFlight: 0, waiting: 0, restarts: 0 })
    for (const socket of slow) socket.destroy()
    transport.close()
    await test.close()
  })

  it('bounds what all uploads together may hold', async () => {
    const test = await startTestServer({ bodyLimits: { usual: 100_000, files: 5_000_000, together: 3_000_000 } })
    await test.supervisor.settled()
    const prefix = new Uint8Array(8)
    new DataView(prefix.buffer).setUint32(4, 3_900_000, true)
    const upload = () => {
      const body = new Uint8Array(2_000_000)
      body.set(prefix)
      return rawRequest(test.server.port, headOf(test.server, 'documents.extract', 'Content-Length: 4000000'), body)
    }
    // Either has room alone: whichever comes second to what is too much for both is refused.
    const answers = [upload(), upload()]
    expect((await Promise.race(answers)).status).toBe(429)
    await test.close()
    await Promise.all(answers)
  })
})
