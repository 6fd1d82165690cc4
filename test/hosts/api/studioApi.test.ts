/** The API as the Studio offers it: started and stopped by its window, each request explained without a word of it. */
import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequestJournal } from '#hosts/api/requestJournal.ts'
import { createStudioApi } from '#hosts/api/studioApi.ts'
import { createClient } from '#shared/rpc/client.ts'
import { snippets } from '../../../renderer/features/server/snippets.ts'
import { startTestEngine } from '../engineProcess/startTestEngine.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

const freePort = async () => {
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return { port, free: () => new Promise(done => server.close(done)) }
}

describe('the API of the Studio', () => {
  it('says how an assistant starts the command line', async () => {
    const { supervisor, folder } = startTestEngine()
    const { token, cli, port } = await createClient(createStudioApi(supervisor, folder).transport).call(
      'server.status',
      {},
    )
    const shown = snippets({ address: `http://127.0.0.1:${port}`, token, model: 'starter-transformer', cli })
    const { mcpServers } = JSON.parse(shown.find(({ id }) => id === 'mcp')?.code ?? '{}')
    const { command, args } = mcpServers.statepack
    const { stdout } = await promisify(execFile)(command, [...args, '--help'])
    expect(stdout).toContain('statepack mcp')
    await supervisor.dispose()
  })

  it('starts, changes its token, and stops; its port and token are kept for the next time', async () => {
    const { supervisor, folder } = startTestEngine()
    const api = createStudioApi(supervisor, folder)
    const client = createClient(api.transport)
    let changes = 0
    client.on('server.changed', () => changes++)
    expect(await client.call('server.status', {})).toMatchObject({
      address: null,
      network: false,
      requests: 0,
      log: [],
    })
    const { port, free } = await freePort()
    await expect(client.call('server.start', { port })).rejects.toMatchObject({ code: 'E_CONFLICT' })
    expect((await client.call('server.status', {})).address).toBeNull()
    await free()

    const started = await client.call('server.start', { port })
    expect(started.address).toBe(`http://127.0.0.1:${port}`)
    const status = (token: string) =>
      fetch(`${started.address}/v1/models`, { headers: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status,
      )
    expect(await status('wrong')).toBe(401)
    expect(await client.call('server.status', {})).toMatchObject({
      ...{ requests: 0, refused: 1, agents: 0, latency: null },
      log: [
        { route: 'GET /v1/models', wasRefused: true, status: 401, seconds: null, error: { code: 'E_UNAUTHORIZED' } },
      ],
    })
    const { token } = await client.call('server.rotateToken', {})
    expect(token).not.toBe(started.token)
    expect(await status(started.token)).toBe(401)
    expect(await status(token)).not.toBe(401)
    await expect.poll(() => client.call('server.status', {})).toMatchObject({ requests: 1, running: 0, agents: 1 })
    expect(await fetch(`${started.address}/health`).then(({ status }) => status)).toBe(200)
    // The engine's own methods and events still come through.
    expect(await client.call('library.gc', { dryRun: true })).toMatchObject({ dryRun: true })
    await client.call('savings.reset', {}).catch(() => {})

    const open = await client.call('server.start', { network: true })
    expect(open).toMatchObject({ network: true, port, token, requests: 0 })
    expect(new URL(open.address ?? '').port).toBe(String(port))
    expect((await client.call('server.stop', {})).address).toBeNull()
    await expect(fetch(`${started.address}/health`)).rejects.toThrow()
    expect(changes).toBeGreaterThan(3)
    expect(JSON.parse(await readFile(join(folder, 'server.json'), 'utf8'))).toEqual({ port, network: true, token })
    if (process.platform !== 'win32') expect((await stat(join(folder, 'server.json'))).mode & 0o077).toBe(0)
    await api.close()
    const again = createStudioApi(supervisor, folder)
    expect(await createClient(again.transport).call('server.status', {})).toMatchObject({ port, token, address: null })
    await again.close()
    await supervisor.dispose()
  })
})

describe('a row of the journal', () => {
  const model = 'starter-transformer'
  const journal = createRequestJournal(() => {})
  let api: TestApi
  beforeAll(async () => {
    api = await startTestApi({ journal })
  })
  afterAll(() => api.close())

  const base =
    'The lease of the flat runs for ten years. Rent is due on the first of each month. Pets are welcome here. '
  const ask = (content: string) =>
    api.ask('/v1/chat/completions', {
      model,
      messages: [
        { role: 'system', content },
        { role: 'user', content: 'How long?' },
      ],
      max_tokens: 2,
    })
  const newest = () => journal.read().log[0]

  it('says what was spared, and names the first token that differs by one, and where', async () => {
    await ask(base)
    await expect.poll(newest).toMatchObject({ status: 200, reused: null, missed: null })
    const first = newest()
    await ask(base)
    await expect.poll(() => newest()?.id).not.toBe(first?.id)
    expect(newest()?.tokens?.spared).toBeGreaterThan(20)
    expect(newest()?.reused).toBe('an earlier prompt')

    // One word of the system prompt is another one: what is before it is spared, the row says what it is.
    await ask(base.replace('first of', 'last of'))
    const row = newest()
    expect(row?.missed).toMatch(
      /goes on differently from token \d+, in its system prompt: “ ?f[^”]*” there, “ ?l[^”]*” here\.$/,
    )
    expect(row?.tokens?.spared).toBeLessThan(row?.tokens?.prompt ?? 0)
    const position = Number(/token (\d+)/.exec(row?.missed ?? '')?.[1])
    // The token before the one that differs is the last that was known.
    expect(row?.tokens?.spared).toBe(position - 1)
    const { tokens, latency, requests } = journal.read()
    expect(requests).toBe(3)
    expect(tokens.spared).toBeGreaterThan(20)
    expect(latency?.p99).toBeGreaterThanOrEqual(latency?.p50 ?? 1)
    // Not a word of what was asked.
    expect(JSON.stringify(journal.read())).not.toContain('How long')
  })

  it('tells a refusal with its reason, and a client that hung up', async () => {
    const refused = await api.ask('/infer', {})
    const { code, message } = refused.json.error
    expect(newest()).toMatchObject({ route: 'POST /infer', status: 400, tokens: null, error: { code, message } })
    // A model that is not there: the route asked the engine before it failed.
    const unknown = await api.ask('/v1/completions', { model: 'no-such-model', prompt: base, stream: true })
    expect(newest()).toMatchObject({ status: 404, error: unknown.json.error && { code: 'E_UNKNOWN_MODEL' } })
    expect(JSON.stringify(newest())).not.toContain('lease')
    const gone = new AbortController()
    // No answer that ends by itself before anybody hangs up.
    const schema = { type: 'array', items: { type: 'integer' }, minItems: 400 }
    const response_format = { type: 'json_schema', json_schema: { name: 'long', schema } }
    const messages = [{ role: 'user', content: base }]
    const body = { model, messages, response_format, max_completion_tokens: 400, stream: true }
    const response = await api.send('/v1/chat/completions', body, { signal: gone.signal })
    await response.body?.getReader().read()
    gone.abort()
    await expect.poll(newest).toMatchObject({ route: 'POST /v1/chat/completions', status: 499 })
  })

  it('is of a request that was not let in, too, says nothing of what it sent, and pushes no other row out', async () => {
    await ask(base)
    const kept = newest()?.id
    const before = journal.read().refused
    const secret = 'guessed-token-guessed-token'
    const tries: { path: string; headers: Record<string, string>; told: object }[] = [
      {
        path: `/v1/models?key=${secret}`,
        headers: { authorization: `Bearer ${secret}` },
        told: { route: 'GET /v1/models', status: 401, error: { code: 'E_UNAUTHORIZED' } },
      },
      {
        path: `/states/${secret}`,
        headers: { origin: `https://${secret}.example` },
        told: { route: 'GET /states/{hash}', status: 403, error: { code: 'E_FORBIDDEN' } },
      },
      { path: `/${secret}`, headers: { 'x-api-key': secret }, told: { route: 'no route of this server', status: 401 } },
    ]
    for (let round = 0; round < 10; round++)
      for (const { path, headers, told } of tries) {
        await fetch(`${api.api.address}${path}`, { headers })
        expect(newest()).toMatchObject({ ...told, wasRefused: true, seconds: null, tokens: null })
      }
    const { log, refused, running } = journal.read()
    expect(refused - before).toBe(30)
    expect(running).toBe(0)
    expect(log.filter(row => row.wasRefused).length).toBe(20)
    expect(log.map(({ id }) => id)).toContain(kept)
    expect(JSON.stringify(log)).not.toContain(secret)
  })

  it('comes of the snippet for curl as it is shown', async () => {
    const [curl] = snippets({ address: api.api.address, token: api.api.token, model, cli: null })
    const { stdout } = await promisify(execFile)('sh', ['-c', `${curl?.code} --silent --show-error`])
    expect(JSON.parse(stdout).choices[0].message.content).not.toBe('')
    expect(newest()).toMatchObject({ route: 'POST /v1/chat/completions', status: 200 })
  })
})
