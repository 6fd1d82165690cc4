/** Nothing that a blocked publisher has signed comes in, whichever way it comes, until that is taken back. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Incoming } from '#engine/registry/incoming.ts'
import { pullCartridge } from '#engine/registry/pullCartridge.ts'
import { parseReference } from '#engine/registry/reference.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { type ErrorCode, toErrorValue } from '#shared/domain/error.ts'
import { studioLink } from '#shared/domain/studioLink.ts'
import { startTestRegistry, type TestRegistry } from '../../engine/registry/testRegistry.ts'
import { startTestHub, type TestHub } from '../../engine/share/testHub.ts'
import { exported, openTestEngine, type TestEngine } from '../../engine/testEngine.ts'
import { viaCommandLine } from './viaCommandLine.ts'

const TOKEN = 'hf_writes'
let ada: TestEngine
let bob: TestEngine
let registry: TestRegistry
let hub: TestHub
let packetId: Digest
let bytes: Uint8Array<ArrayBuffer>
let path: string
let place: string
let publisher: { keyid: string; name: string }

beforeAll(async () => {
  vi.stubEnv('HF_TOKEN', TOKEN)
  ada = await openTestEngine()
  bob = await openTestEngine()
  vi.stubEnv('STATEPACK_HOME', join(bob.folder, 'data'))
  registry = await startTestRegistry()
  hub = await startTestHub({ [TOKEN]: { owner: 'ada', mayWrite: true } })
  for (const { client } of [ada, bob]) await client.call('settings.set', { hubEndpoint: hub.endpoint })
  const sources = [{ name: 'tea.txt', text: 'Facts:\nThe tea of Tolan is green.\n' }]
  const made = await ada.client.call('packets.create', { model: 'starter-mamba', sources })
  packetId = made.cartridge.packetId
  bytes = await exported(ada.client, { ref: packetId })
  path = join(ada.folder, 'tea.cartridge')
  await writeFile(path, bytes)
  place = `${registry.host}/ada/tea:v1`
  for (const to of [place, 'hf://ada/tea']) await ada.client.call('share.push', { ref: packetId, to })
  publisher = { keyid: ada.engine.state.keys.current.keyid, name: 'Ada' }
})
afterAll(async () => {
  for (const one of [ada, bob, registry, hub]) await one?.close()
  vi.unstubAllEnvs()
})
beforeEach(() => setBlocked(true))

const setBlocked = (blocked: boolean) => bob.client.call('share.block', { ...publisher, blocked })
const endOf = (work: Promise<unknown>): Promise<ErrorCode | null> =>
  work.then(
    () => null,
    thrown => toErrorValue(thrown).code,
  )
const leave = () => bob.client.call('library.delete', { packetIds: [packetId] })
const store = () => join(bob.folder, 'store')

async function viaTheLine(): Promise<ErrorCode | null> {
  const { ids } = await bob.client.call('jobs.import', { title: 'tea', path })
  for (;;) {
    const { job } = await bob.client.call('jobs.get', { id: ids[0] ?? 0 })
    if (job.state !== 'waiting' && job.state !== 'running') return job.error?.code ?? null
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const WAYS: Readonly<Record<string, () => Promise<ErrorCode | null>>> = {
  'a file': () => endOf(bob.client.call('packets.import', { path })),
  'a file that is to be trusted': () => endOf(bob.client.call('packets.import', { path, trust: true })),
  'an upload': () => endOf(bob.client.call('packets.import', {}, { upload: [bytes] })),
  'the line of jobs': viaTheLine,
  'a registry': () => endOf(bob.client.call('packets.import', { from: place })),
  'the hub': () => endOf(bob.client.call('packets.import', { from: 'hf://ada/tea' })),
  'a link': () => endOf(bob.client.call('packets.import', { from: studioLink('hf://ada/tea'), link: true })),
  'the store of another server': () =>
    endOf(
      pullCartridge(
        bob.engine.state,
        new Incoming(bob.engine.state.store.parts),
        { from: parseReference(place), trust: 'known' },
        {},
      ),
    ),
  'a try before an import': () => endOf(bob.client.call('packets.try', { path, question: 'What is green?' })),
  'statepack import': () => viaCommandLine('statepack import', [path], store()),
  'statepack import --try': () => viaCommandLine('statepack import', [path, '--try', 'What is green?'], store()),
  'statepack pull': () => viaCommandLine('statepack pull', [place], store()),
}

describe.each(Object.entries(WAYS))('%s', (_, come) => {
  it('is refused by whom it is signed, and open again when that is taken back', async () => {
    expect(await come()).toBe('E_BLOCKED')
    expect((await bob.client.call('library.list', {})).total).toBe(0)
    await setBlocked(false)
    expect(await come()).toBeNull()
    await leave()
  })
})

it('a review says who is in the way, and the error how to go on', async () => {
  expect(await bob.client.call('packets.review', { path })).toMatchObject({ blocked: publisher })
  await expect(bob.client.call('packets.import', { path })).rejects.toMatchObject({
    message: expect.stringContaining(`statepack keys unblock ${publisher.keyid}`),
    details: publisher,
  })
  await viaCommandLine('statepack keys unblock', [publisher.keyid], store())
  expect(await bob.client.call('packets.review', { path })).toMatchObject({ blocked: null })
  await viaCommandLine('statepack keys block', [publisher.keyid, '--name', 'Ada'], store())
  expect(await bob.client.call('packets.review', { path })).toMatchObject({ blocked: publisher })
})

it('a catalogue leads to nothing of theirs either', async () => {
  const { entries } = await bob.client.call('share.browse', { place: 'shipped' })
  const [{ from, publisher: theirs } = { from: '', publisher }] = entries
  await bob.client.call('share.block', { ...theirs, blocked: true })
  const entry = { catalogue: 'shipped', name: 'studio/any' }
  expect(await endOf(bob.client.call('packets.import', { from, entry }))).toBe('E_BLOCKED')
  await bob.client.call('share.block', { ...theirs, blocked: false })
})

it('what came before is not trusted while its publisher is blocked', async () => {
  await setBlocked(false)
  await bob.client.call('packets.import', { path })
  await setBlocked(true)
  expect(await endOf(bob.client.call('library.trust', { packetId }))).toBe('E_BLOCKED')
  expect((await bob.client.call('library.get', { ref: packetId })).summary.trust).toBe('restricted')
  await leave()
})

it('a new key of theirs does not help', async () => {
  await ada.client.call('keys.rotate', {})
  const merged = await ada.client.call('packets.merge', { ref: packetId, delta: 'The cup is blue.\n' })
  const later = await exported(ada.client, { ref: merged.cartridge.packetId })
  expect(await endOf(bob.client.call('packets.import', {}, { upload: [later] }))).toBe('E_BLOCKED')
})
