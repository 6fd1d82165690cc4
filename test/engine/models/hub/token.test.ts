/** The token reaches the configured hub and nobody else, wherever the hub sends us. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { downloadModel } from '#engine/models/hub/downloadModel.ts'
import { createHubFetch } from '#engine/models/hub/hubFetch.ts'
import { parseHubModel } from '#engine/models/hub/hubId.ts'
import { type HubServer, startHub } from './hubServer.ts'

const TOKEN = 'hf_secret'
let root = ''
let hub: HubServer
let other: HubServer

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hub-token-'))
  const folder = resolve('test/golden/gpt2')
  const files = {
    'config.json': await readFile(join(folder, 'config.json')),
    'model.safetensors': await readFile(join(folder, 'model.safetensors')),
  }
  hub = await startHub({ 'lab/gpt2': files, 'lab/renamed': files })
  other = await startHub({ 'lab/gpt2': files })
})
afterEach(async () => {
  await Promise.all([hub.close(), other.close()])
  await rm(root, { recursive: true, force: true })
})

const download = () =>
  downloadModel(parseHubModel('lab/gpt2'), { endpoint: hub.endpoint, token: TOKEN, modelsFolder: join(root, 'models') })

test('every request to the hub has it, none along a redirect to another host', async () => {
  hub.fault = path =>
    path.endsWith('.safetensors') ? { status: 302, headers: { location: `${other.endpoint}${path}` } } : undefined
  await download()
  expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${TOKEN}`]))
  expect(other.requests.map(({ path }) => path)).toEqual(['/lab/gpt2/resolve/main/model.safetensors'])
  expect(other.requests.map(({ authorization }) => authorization)).toEqual([undefined])
})

test('a list that redirects, and comes back, is followed; only the hub sees the token', async () => {
  hub.fault = path =>
    path === '/api/models/lab/gpt2/tree/main'
      ? { status: 307, headers: { location: `${other.endpoint}/api/models/lab/gpt2/tree/main` } }
      : undefined
  other.fault = path =>
    path.startsWith('/api/')
      ? { status: 307, headers: { location: `${hub.endpoint}/api/models/lab/renamed/tree/main` } }
      : undefined
  await download()
  expect(other.requests).toHaveLength(1)
  expect(other.requests[0]?.authorization).toBeUndefined()
  expect(hub.requests.every(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true)
})

test('the same name on another port is another host', async () => {
  const fetch = createHubFetch({ endpoint: hub.endpoint, token: TOKEN })
  await fetch(`${other.endpoint}/lab/gpt2/resolve/main/config.json`)
  await fetch(`${hub.endpoint}/lab/gpt2/resolve/main/config.json`)
  expect([other, hub].map(({ requests }) => requests[0]?.authorization)).toEqual([undefined, `Bearer ${TOKEN}`])
})

test.each([
  ['another scheme', 'file:///etc/passwd'],
  ['a password in the address', 'http://user:secret@127.0.0.1:1/'],
  ['no address', 'http://['],
])('a redirect to %s is refused', async (_, location) => {
  hub.fault = () => ({ status: 302, headers: { location } })
  const fetch = createHubFetch({ endpoint: hub.endpoint, token: TOKEN })
  await expect(fetch(`${hub.endpoint}/x`)).rejects.toMatchObject({ code: 'E_NETWORK' })
})

test('redirects in circles end', async () => {
  hub.fault = path => ({ status: 302, headers: { location: path } })
  const fetch = createHubFetch({ endpoint: hub.endpoint, token: TOKEN })
  await expect(fetch(`${hub.endpoint}/x`)).rejects.toMatchObject({ code: 'E_NETWORK' })
  expect(hub.requests.length).toBeLessThan(12)
})

test('a hub on the internet leads neither to plain text nor to this machine', async () => {
  const fetch = createHubFetch({ endpoint: 'https://hub.example', token: TOKEN })
  // What a redirect of that hub would name; asked for directly, so that no name is resolved.
  await expect(fetch(`${hub.endpoint}/x`)).rejects.toMatchObject({ code: 'E_NETWORK' })
  await expect(fetch('https://localhost/x')).rejects.toMatchObject({ code: 'E_NETWORK' })
  expect(hub.requests).toEqual([])
})
