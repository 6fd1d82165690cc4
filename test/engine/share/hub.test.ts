/** Cartridges on the hub: published, found, and taken at a commit. The token is for the hub and for nobody else. */

import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { commitToHub } from '#engine/share/hubCommit.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'
import { startTestHub, type TestHub } from './testHub.ts'

const WRITE = 'hf_writes'
const READ = 'hf_reads'
let hub: TestHub
let here: TestEngine
let there: TestEngine
let packetId: string

beforeAll(async () => {
  vi.stubEnv('HF_TOKEN', WRITE)
  hub = await startTestHub({ [WRITE]: { owner: 'ada', mayWrite: true }, [READ]: { owner: 'ada', mayWrite: false } })
  here = await openTestEngine()
  there = await openTestEngine()
  for (const { client } of [here, there]) await client.call('settings.set', { hubEndpoint: hub.endpoint })
  const { text, title } = await bundledText('card-station')
  const card = '# Station card\n\n## Questions it answers\n\n- Who is the captain of Halcyon?\n'
  const sources = [{ name: title, text }]
  const made = await here.client.call('packets.create', { model: 'starter-transformer', sources, card, name: title })
  packetId = made.cartridge.packetId
})
afterEach(() => {
  vi.stubEnv('HF_TOKEN', WRITE)
  hub.intercept = () => false
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await here?.close()
  await there?.close()
  await hub?.close()
})

const push = (to: string, more = {}) => here.client.call('share.push', { ref: packetId, to, ...more })
const filesOf = (id: string) => hub.repositories.get(id)?.commits.at(-1)?.files

it('is an OCI layout beside a card with front matter, in one commit', async () => {
  const phases: string[] = []
  const input = { ref: packetId, to: 'hf://ada/station', licence: 'CC0-1.0' }
  const pushed = await here.client.call('share.push', input, { onProgress: ({ phase }) => phases.push(phase) })
  expect(pushed).toMatchObject({ packetId, referrers: 2, blobs: null })
  expect(pushed.reference).toMatch(/^hf:\/\/ada\/station@[0-9a-f]{40}$/)
  expect(pushed.bytesSent).toBeGreaterThan(pushed.bytes)
  expect(phases).toContain('uploading')
  const files = filesOf('ada/station')
  const card = files?.get('README.md')?.toString() ?? ''
  expect(card).toMatch(
    /^---\nlibrary_name: statepack\nlicense: "cc0-1.0"\ntags: \["statepack","cartridge","kv-cache"\]\n/,
  )
  expect(card).toContain('**Who is the captain of Halcyon?**\n\n> Yuki Tanabe.')
  expect(JSON.parse(files?.get('index.json')?.toString() ?? '').manifests[0].digest).toBe(packetId)
  expect(hub.repositories.get('ada/station')?.commits).toHaveLength(2)
  const { receipts } = await here.client.call('receipts.list', { op: 'publish' })
  expect(receipts).toHaveLength(1)
})

it('goes without the receipt of its making where that is held back', async () => {
  expect(await push('hf://ada/quiet', { receipt: false })).toMatchObject({ referrers: 1 })
  expect(await there.client.call('packets.review', { from: 'hf://ada/quiet' })).toMatchObject({ made: null })
  hub.repositories.delete('ada/quiet')
})

it('tells how much of one file has left', async () => {
  const size = 2 ** 20
  const files = [{ path: 'blobs/sha256/one', content: new Blob([new Uint8Array(size).fill(7)]) }]
  const told: number[] = []
  const commit = { hubId: 'ada/large', revision: 'main', title: 'One', files, keep: () => true }
  const moved = (bytes: number) => told.push(bytes)
  const { bytesSent } = await commitToHub({ endpoint: hub.endpoint, token: WRITE }, { ...commit, moved }, {})
  expect([bytesSent, told.at(-1)]).toEqual([size, size])
  expect(new Set(told.filter(bytes => bytes > 0 && bytes < size)).size).toBeGreaterThan(3)
  expect(told).toEqual(told.toSorted((a, b) => a - b))
  // There already, and said to be.
  told.length = 0
  expect(
    await commitToHub({ endpoint: hub.endpoint, token: WRITE }, { ...commit, hubId: 'ada/twice', moved }, {}),
  ).toMatchObject({
    bytesSent: 0,
  })
  expect(told.at(-1)).toBe(size)
  for (const id of ['ada/large', 'ada/twice']) hub.repositories.delete(id)
})

it('is sent nothing twice', async () => {
  const puts = () => hub.stored.filter(({ method }) => method === 'PUT').length
  const before = puts()
  await push('hf://ada/copy')
  expect(puts()).toBe(before)
})

it('names its model on the hub where it has one there, and drops what an earlier cartridge needed', async () => {
  const merged = await here.client.call('packets.merge', { ref: packetId, delta: '\nThe gate is 3.\n' })
  const own = async (ref: string) =>
    (await here.engine.state.store.readManifest(ref as never)).layers.map(({ digest }) => digest)
  const [old, now] = [await own(packetId), await own(merged.cartridge.packetId)]
  await here.client.call('share.push', { ref: merged.cartridge.packetId, to: 'hf://ada/copy' })
  const names = [...(filesOf('ada/copy')?.keys() ?? [])]
  const gone = old.filter(digest => !now.includes(digest))
  expect(gone.length).toBeGreaterThan(0)
  for (const digest of gone) expect(names).not.toContain(`blobs/sha256/${digest.slice(7)}`)
  for (const digest of now) expect(names).toContain(`blobs/sha256/${digest.slice(7)}`)
})

it('is reviewed, and taken at the commit that was reviewed, whatever the branch says by then', async () => {
  const review = await there.client.call('packets.review', { from: 'hf://ada/station' })
  expect(review).toMatchObject({
    packetId,
    duplicate: false,
    made: { op: 'create' },
    from: expect.stringMatching(/^hf:\/\/ada\/station@[0-9a-f]{40}$/),
  })
  const { items } = await there.client.call('library.list', {})
  expect(items).toEqual([])
  const merged = await here.client.call('packets.merge', { ref: packetId, delta: '\nThe gate is 4.\n' })
  await here.client.call('share.push', { ref: merged.cartridge.packetId, to: 'hf://ada/station' })
  await expect(
    there.client.call('packets.import', { from: 'hf://ada/station', packetId: packetId as never }),
  ).rejects.toMatchObject({ code: 'E_CONFLICT' })
  const fetched = hub.stored.length
  const from = review.from ?? ''
  const taken = await there.client.call('packets.import', { from, packetId: packetId as never, name: 'Station' })
  expect(taken).toMatchObject({ duplicate: false, refusedReferrers: 0, cartridge: { packetId, trust: 'restricted' } })
  // The review had fetched it: its manifest, its signature's and its receipt's are asked for again.
  expect(hub.stored.length - fetched).toBe(3)
  expect(await there.client.call('packets.verify', { ref: packetId })).toMatchObject({ ok: true })
})

it('is found by whoever looks, as what its card says', async () => {
  const { entries } = await there.client.call('share.browse', { place: 'hub' })
  expect(entries.map(({ name }) => name).sort()).toEqual(['ada/copy', 'ada/station'])
  expect(entries[0]).toMatchObject({ publisher: { name: 'ada' }, modelInstalled: true, link: false })
  const { entries: none } = await there.client.call('share.browse', { place: 'hub', query: 'nothing' })
  expect(none).toEqual([])
  const { entries: hers } = await there.client.call('share.browse', { place: 'hub', query: 'ada/' })
  expect(hers).toHaveLength(2)
})

it('private is seen by its owner only', async () => {
  await push('hf://ada/diary', { isPrivate: true })
  expect((await there.client.call('packets.review', { from: 'hf://ada/diary' })).packetId).toBe(packetId)
  vi.stubEnv('HF_TOKEN', '')
  await expect(there.client.call('packets.review', { from: 'hf://ada/diary' })).rejects.toMatchObject({
    code: 'E_UNAUTHORIZED',
  })
})

it.each([
  ['without a token', '', 'hf://ada/new', 'E_UNAUTHORIZED'],
  ['with a wrong token', 'hf_wrong', 'hf://ada/new', 'E_UNAUTHORIZED'],
  ['with a token that only reads', READ, 'hf://ada/new', 'E_FORBIDDEN'],
  ['for somebody else', WRITE, 'hf://bob/new', 'E_FORBIDDEN'],
  ['at a revision that is not there', WRITE, 'hf://ada/station@next', 'E_NOT_FOUND'],
])('is not published %s', async (_, token, to, code) => {
  vi.stubEnv('HF_TOKEN', token)
  await expect(push(to)).rejects.toMatchObject({ code })
  expect(hub.repositories.has('ada/new')).toBe(false)
})

it('leaves alone what holds something else, and what somebody else changed meanwhile', async () => {
  hub.repositories.set('ada/model', {
    isPrivate: false,
    commits: [{ sha: 'a'.repeat(40), files: new Map([['config.json', Buffer.from('{}')]]) }],
  })
  await expect(push('hf://ada/model')).rejects.toMatchObject({ code: 'E_CONFLICT' })
  expect(hub.repositories.get('ada/model')?.commits).toHaveLength(1)
  hub.intercept = (_, __, path) => {
    const commits = hub.repositories.get('ada/station')?.commits
    const last = commits?.at(-1)
    if (path.includes('/preupload/') && last !== undefined) commits?.push({ ...last, sha: 'b'.repeat(40) })
    return false
  }
  await expect(push('hf://ada/station')).rejects.toMatchObject({ code: 'E_CONFLICT' })
})

it.each([
  ['no repository', 'hf://ada/none', 'E_NOT_FOUND'],
  ['no revision', 'hf://ada/copy@v9', 'E_NOT_FOUND'],
  ['no cartridge', 'hf://ada/model', 'E_NOT_FOUND'],
])('takes nothing where there is %s', async (_, from, code) => {
  await expect(there.client.call('packets.review', { from })).rejects.toMatchObject({ code })
})

it('refuses bytes that are not those of their digest, and keeps none of them', async () => {
  const third = await openTestEngine()
  try {
    await third.client.call('settings.set', { hubEndpoint: hub.endpoint })
    const files = hub.repositories.get('ada/copy')?.commits.at(-1)?.files as Map<string, Buffer>
    const manifest = `blobs/sha256/${JSON.parse(files.get('index.json')?.toString() ?? '').manifests[0].digest.slice(7)}`
    const honest = files.get(manifest) ?? Buffer.of()
    hub.intercept = (_, response, path) => {
      if (!path.endsWith(manifest)) return false
      response.writeHead(200).end(Buffer.concat([honest, Buffer.from(' ')]))
      return true
    }
    await expect(third.client.call('packets.import', { from: 'hf://ada/copy' })).rejects.toMatchObject({
      code: 'E_CORRUPT',
    })
    hub.intercept = (_, response, path) => {
      if (!path.includes('/blobs/sha256/') || path.endsWith(manifest)) return false
      const there = files.get(path.slice(path.indexOf('blobs/'))) ?? Buffer.of()
      response.writeHead(200, { 'content-length': there.length }).end(Buffer.alloc(there.length, 7))
      return true
    }
    await expect(third.client.call('packets.import', { from: 'hf://ada/copy' })).rejects.toMatchObject({
      code: 'E_CORRUPT',
    })
    expect((await third.client.call('library.list', {})).total).toBe(0)
  } finally {
    await third.close()
  }
})

it('never showed the token to the storage that the hub leads to', () => {
  expect(hub.stored.length).toBeGreaterThan(10)
  expect(hub.stored.filter(({ authorization }) => authorization !== undefined)).toEqual([])
  expect(
    hub.requests.every(({ authorization }) =>
      [undefined, ...[WRITE, READ, 'hf_wrong'].map(token => `Bearer ${token}`)].includes(authorization),
    ),
  ).toBe(true)
})
