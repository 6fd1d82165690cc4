/** A registry that lies harms nothing here, and a login reaches nobody whom the registry alone names. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Call } from '#engine/packets/context.ts'
import { Incoming } from '#engine/registry/incoming.ts'
import { pullCartridge } from '#engine/registry/pullCartridge.ts'
import { pushCartridge } from '#engine/registry/pushCartridge.ts'
import { parseReference } from '#engine/registry/reference.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'
import { startTestRegistry, type TestRegistry } from './testRegistry.ts'

const SECRET = 'pa55-word-of-mine'
const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`
const patience = { attempts: 3, pauseMs: 5, longestMs: 20, stallMs: 30_000, noticeMs: 20_000 }
const login = async () => ({ kind: 'password' as const, user: 'me', password: SECRET })

let registry: TestRegistry
let other: TestRegistry
let here: TestEngine
let there: TestEngine
let base: string
let incoming: Incoming
beforeAll(async () => {
  registry = await startTestRegistry()
  other = await startTestRegistry()
  here = await openTestEngine()
  there = await openTestEngine()
  incoming = new Incoming(there.engine.state.store.parts)
  const { text, title } = await bundledText('card-station')
  const sources = [{ name: title, text }]
  const created = await here.client.call('packets.create', { model: 'starter-transformer', sources, name: 'Base' })
  base = created.cartridge.packetId
  await push()
})
afterAll(async () => {
  await here?.close()
  await there?.close()
  await registry?.close()
  await other?.close()
})
afterEach(() => {
  registry.intercept = () => false
  other.intercept = () => false
  registry.requests.length = 0
  other.requests.length = 0
})

const reference = (rest = 'me/base:v1') => parseReference(`${registry.host}/${rest}`)
const push = (options = {}) =>
  pushCartridge(here.engine.state, { ref: base, to: reference(), tags: ['v1'], patience, ...options }, {})
const pull = (options = {}, engine = there) =>
  pullCartridge(
    engine.engine.state,
    engine === there ? incoming : new Incoming(engine.engine.state.store.parts),
    { from: reference(), trust: false, patience, ...options },
    {},
  )
/** Nothing is listed, nothing is among the blobs, nothing half-written. */
const isUnharmed = async () => {
  expect((await there.client.call('library.list', {})).items).toEqual([])
  expect((await there.files()).filter(path => /store[/\\](blobs|tmp)/.test(path))).toEqual([])
}

describe('what a registry sends', () => {
  type Lie = (path: string) => false | ((bytes: Buffer) => Buffer | 'endless')
  const layer = () => {
    const manifest = JSON.parse(registry.blobs.get(base)?.toString() ?? '')
    const { layers } = manifest as { layers: { size: number; digest: string }[] }
    return layers.toSorted((a, b) => b.size - a.size)[0]?.digest ?? ''
  }
  const blob =
    (change: (bytes: Buffer) => Buffer | 'endless'): Lie =>
    path =>
      path.endsWith(layer()) && change
  const manifest =
    (change: (bytes: Buffer) => Buffer | 'endless'): Lie =>
    path =>
      path.endsWith('/manifests/v1') && change

  it.each<[string, string, Lie, boolean?]>([
    ['a flipped bit', 'E_CORRUPT', blob(bytes => Buffer.concat([Buffer.of((bytes[0] ?? 0) ^ 1), bytes.subarray(1)]))],
    ['a body that is too short', 'E_NETWORK', blob(bytes => bytes.subarray(0, -1))],
    ['no body at all', 'E_NETWORK', blob(() => Buffer.of())],
    ['a longer body', 'E_CORRUPT', blob(bytes => Buffer.concat([bytes, Buffer.alloc(9)]))],
    ['a body without end', 'E_CORRUPT', blob(() => 'endless')],
    ['a manifest without end', 'E_TOO_LARGE', manifest(() => 'endless')],
    ['another manifest', 'E_CORRUPT', manifest(bytes => Buffer.from(bytes.toString().replace('"size":', '"size": ')))],
    ['no manifest', 'E_BAD_FORMAT', manifest(() => Buffer.from('{}')), true],
    ['no JSON', 'E_BAD_FORMAT', manifest(() => Buffer.from('<html>')), true],
  ])('%s: %s', async (_, code, lie, forget = false) => {
    registry.intercept = (request, response, path) => {
      const change = lie(path)
      if (change === false || request.method !== 'GET') return false
      const digest = path.endsWith('v1') ? base : layer()
      const body = change(registry.blobs.get(digest) ?? Buffer.of())
      const named = forget ? {} : { 'docker-content-digest': digest }
      if (body !== 'endless') response.writeHead(200, named).end(body)
      else {
        response.writeHead(200, named)
        const piece = Buffer.alloc(64 * 1024, 1)
        const more = (): void => void (response.destroyed || response.write(piece, more))
        more()
      }
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code })
    await isUnharmed()
  })

  it('is asked for by digest, and must be that', async () => {
    registry.intercept = (_, response, path) => {
      if (!path.endsWith(base)) return false
      response.end(registry.blobs.get(layer()))
      return true
    }
    await expect(pull({ from: reference(`me/base@${base}`) })).rejects.toMatchObject({ code: 'E_CORRUPT' })
    await isUnharmed()
  })
})

it.each([
  // Without the signature nobody knows whose key signed the receipt.
  { type: 'application/vnd.dsse.envelope.v1+json', refused: 2 },
  { type: 'application/vnd.statepack.receipt.v1+json', refused: 1 },
])(
  'a referrer ($type) that does not arrive as it should is left out, and the cartridge comes',
  async ({ type, refused }) => {
    const referrer = [...registry.blobs].flatMap(([digest, bytes]) => {
      const manifest = bytes.toString().startsWith('{"artifactType"') ? JSON.parse(bytes.toString()) : {}
      return manifest.subject?.digest === base && manifest.artifactType === type ? [digest] : []
    })[0]
    const content = JSON.parse(registry.blobs.get(referrer ?? '')?.toString() ?? '').layers[0].digest
    for (const [ending, body] of [
      [content, 'something else'],
      [referrer ?? '', '{}'],
    ] as const) {
      const engine = await openTestEngine()
      try {
        registry.intercept = (_, response, path) => {
          if (!path.endsWith(ending)) return false
          response.end(body)
          return true
        }
        const pulled = await pull({}, engine)
        expect(pulled).toMatchObject({ refusedReferrers: refused, cartridge: { packetId: base, trust: 'restricted' } })
        expect(engine.engine.state.store.library.referrers.list()).toHaveLength(2 - refused)
      } finally {
        await engine.close()
      }
    }
  },
)

it('what grew from a cartridge that stands there asks for its own blobs alone, and for all when some were lost', async () => {
  const { cartridge } = await here.client.call('packets.merge', { ref: base, delta: 'The gate is green.\n' })
  const asked = () => registry.requests.filter(({ method, path }) => method === 'HEAD' && path.includes('/blobs/'))
  const first = await push({ ref: cartridge.packetId, tags: ['child'] })
  expect(first.blobs.there).toBeGreaterThan(1)
  // The empty config of signatures is nobody’s layer.
  expect(asked().length).toBeLessThanOrEqual(first.blobs.sent + 1)
  const { store } = here.engine.state
  const own = (await store.readManifest(cartridge.packetId as never)).layers.map(({ digest }) => digest)
  const shared = (await store.readManifest(base as never)).layers.filter(({ digest }) => own.includes(digest))
  expect(registry.blobs.delete(shared[0]?.digest ?? '')).toBe(true)
  registry.requests.length = 0
  const again = await push({ ref: cartridge.packetId, tags: ['child'] })
  expect(asked().length).toBeGreaterThan(first.blobs.sent + 1)
  expect(again.blobs.sent).toBe(1)
})

it('what is cancelled stops at once, leaves nothing half-seen, and goes on when it is asked for again', async () => {
  const { cartridge } = await here.client.call('packets.merge', { ref: base, delta: 'The tower is blue.\n' })
  const ref = cartridge.packetId
  const to = reference('me/cancelled:v1')
  const engine = await openTestEngine()
  const slowly = new Incoming(engine.engine.state.store.parts)
  const cancelledAt = async (phase: string, work: (call: Call) => Promise<unknown>) => {
    const controller = new AbortController()
    const progress: Call['progress'] = shown => shown.phase === phase && controller.abort()
    await expect(work({ signal: controller.signal, progress })).rejects.toMatchObject({ name: 'AbortError' })
  }
  try {
    await cancelledAt('uploading', call => pushCartridge(here.engine.state, { ref, to, tags: ['v1'], patience }, call))
    expect(registry.tags.has('me/cancelled:v1')).toBe(false)
    await push({ ref, to })
    const pulling = (call: Call) =>
      pullCartridge(engine.engine.state, slowly, { from: to, trust: false, patience }, call)
    await cancelledAt('downloading', pulling)
    await cancelledAt('checking', pulling)
    expect((await engine.client.call('library.list', {})).items).toEqual([])
    expect((await engine.files()).filter(path => /store[/\\](blobs|tmp)/.test(path))).toEqual([])
    registry.requests.length = 0
    await pulling({})
    // All of it had arrived before.
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([])
  } finally {
    await engine.close()
  }
})

describe('a login', () => {
  const wantsBasic: TestRegistry['intercept'] = ({ headers }, response) => {
    if (headers.authorization === basic) return false
    response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
    return true
  }
  const wantsToken =
    (realm: string): TestRegistry['intercept'] =>
    ({ headers }, response) => {
      if (headers.authorization === 'Bearer token-of-registry') return false
      const challenge = `Bearer realm="${realm}",service="s",scope="repository:victim/private:pull"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
      return true
    }
  const givesToken: TestRegistry['intercept'] = (_, response, path) => {
    if (path !== '/token') return false
    response.end(JSON.stringify({ token: 'token-of-registry' }))
    return true
  }
  const sentTo = ({ requests }: TestRegistry) => requests.map(({ authorization }) => authorization).filter(Boolean)

  it('goes to the registry that asks for it', async () => {
    registry.intercept = wantsBasic
    await push({ login })
    expect(new Set(sentTo(registry))).toEqual(new Set([basic]))
  })

  it('goes to a token server of the registry’s own origin; its token then serves all requests', async () => {
    registry.intercept = (request, response, path) =>
      givesToken(request, response, path) || wantsToken(`http://${registry.host}/token`)(request, response, path)
    await push({ login })
    const withLogin = registry.requests.filter(({ authorization }) => authorization === basic)
    expect(withLogin.map(({ path }) => path)).toEqual(['/token'])
    expect(sentTo(registry).filter(sent => sent !== basic && sent !== 'Bearer token-of-registry')).toEqual([])
  })

  it('is asked for again when its token ends on the way', async () => {
    let tokens = 0
    let requests = 0
    registry.intercept = ({ headers }, response, path) => {
      if (path === '/token') {
        requests = 0
        response.end(JSON.stringify({ access_token: `token-${++tokens}`, expires_in: 3600 }))
        return true
      }
      // Every token is good for a few requests, whatever it was said to be.
      if (headers.authorization === `Bearer token-${tokens}` && ++requests < 12) return false
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end()
      return true
    }
    const { cartridge } = await here.client.call('packets.merge', { ref: base, delta: 'The roof is red.\n' })
    await push({ ref: cartridge.packetId, to: reference('me/tokens:v1'), login })
    expect(tokens).toBeGreaterThan(2)
    expect(
      new Set(registry.requests.filter(({ authorization }) => authorization === basic).map(({ path }) => path)),
    ).toEqual(new Set(['/token']))
  })

  it('goes to no token server that the registry alone names, and the error says how to allow it', async () => {
    registry.intercept = wantsToken(`http://${other.host}/token`)
    other.intercept = (_, response) => {
      response.writeHead(401).end()
      return true
    }
    await expect(push({ login })).rejects.toMatchObject({
      code: 'E_UNAUTHORIZED',
      message: expect.stringContaining(`--token-host ${other.host}`),
    })
    expect(other.requests.map(({ path }) => path)).toEqual(['/token'])
    expect([sentTo(other), sentTo(registry)]).toEqual([[], []])
  })

  it('goes there when a person names it', async () => {
    registry.intercept = wantsToken(`http://${other.host}/token`)
    other.intercept = givesToken
    await push({ login, tokenHosts: [other.host] })
    expect(sentTo(other)).toEqual([basic])
  })

  it('goes along no redirect, neither as login nor as token', async () => {
    const engine = await openTestEngine()
    try {
      for (const wants of [wantsBasic, wantsToken(`http://${registry.host}/token`)]) {
        registry.intercept = (request, response, path) => {
          if (givesToken(request, response, path) || wants(request, response, path)) return true
          if (!path.includes('/blobs/')) return false
          response.writeHead(307, { location: `http://${other.host}${path}` }).end()
          return true
        }
        other.intercept = (_, response, path) => {
          response.end(registry.blobs.get(path.split('/').at(-1) ?? ''))
          return true
        }
        await pull({ login }, engine)
      }
      expect(other.requests.length).toBeGreaterThan(5)
      expect(sentTo(other)).toEqual([])
    } finally {
      await engine.close()
    }
  })

  it('goes to no other place that an upload is said to go on at', async () => {
    const { cartridge } = await here.client.call('packets.merge', { ref: base, delta: 'More.\n' })
    registry.intercept = (request, response, path) => {
      if (wantsBasic(request, response, path)) return true
      if (request.method !== 'POST') return false
      response.writeHead(202, { location: `http://${other.host}/v2/x/blobs/uploads/1` }).end()
      return true
    }
    await expect(push({ ref: cartridge.packetId, login })).rejects.toMatchObject({ code: 'E_NETWORK' })
    expect(other.requests.length).toBeGreaterThan(0)
    expect(sentTo(other)).toEqual([])
  })

  it('is what docker login keeps: in its file, or with a helper that is run by its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'statepack-docker-'))
    const { DOCKER_CONFIG, PATH } = process.env
    try {
      process.env.DOCKER_CONFIG = folder
      process.env.PATH = `${folder}:${PATH}`
      const auth = Buffer.from(`me:${SECRET}`).toString('base64')
      const helper = `#!/bin/sh\nread server\n[ "$1 $server" = "get ${registry.host}" ] && echo '{"Username":"me","Secret":"${SECRET}"}'\n`
      await writeFile(join(folder, 'docker-credential-mine'), helper, { mode: 0o755 })
      registry.intercept = wantsBasic
      for (const config of [
        { auths: { [registry.host]: { auth } } },
        { auths: { [`https://${registry.host}/v2/`]: { auth } } },
        { credHelpers: { [registry.host]: 'mine' } },
        { credsStore: 'mine' },
        { credsStore: 'none-installed', auths: { [registry.host]: { auth } } },
      ]) {
        await writeFile(join(folder, 'config.json'), JSON.stringify(config))
        await expect(push(), JSON.stringify(config)).resolves.toMatchObject({ packetId: base })
      }
      for (const config of [{}, { auths: { [other.host]: { auth } } }, { credHelpers: { [other.host]: 'mine' } }]) {
        await writeFile(join(folder, 'config.json'), JSON.stringify(config))
        await expect(push(), JSON.stringify(config)).rejects.toMatchObject({ code: 'E_UNAUTHORIZED' })
      }
      for (const config of ['{', '{"credsStore":"../../bin/sh"}', '{"credsStore":"x; touch y"}']) {
        await writeFile(join(folder, 'config.json'), config)
        await expect(push(), config).rejects.toMatchObject({
          code: expect.stringMatching(/E_BAD_INPUT|E_UNAUTHORIZED/),
        })
      }
    } finally {
      process.env.PATH = PATH
      if (DOCKER_CONFIG === undefined) delete process.env.DOCKER_CONFIG
      else process.env.DOCKER_CONFIG = DOCKER_CONFIG
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('of a registry in plain text elsewhere is sent nowhere', async () => {
    const server = createServer((_, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    let asked = 0
    server.on('request', ({ headers }) => {
      if (headers.authorization !== undefined) asked++
    })
    const to = parseReference(`http://registry.example:${port}/me/base:v1`)
    const lookup = ((_: string, __: unknown, done: (error: null, found: unknown) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }])) as never
    await expect(push({ to, login, lookup })).rejects.toMatchObject({ code: 'E_UNAUTHORIZED' })
    expect(asked).toBe(0)
    await new Promise(resolve => server.close(resolve))
  })
})
