/** Getting, choosing and losing models through a whole engine: what windows and the command line see. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { ASSETS, bundledText, openTestEngine, type TestEngine } from '../../testEngine.ts'
import { type HubServer, startHub } from './hubServer.ts'

const STARTER = join(ASSETS, 'models', 'starter-transformer')
const NAMES = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']

let root = ''
let studio: TestEngine
let hub: HubServer | null = null
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'installing-'))
  studio = await openTestEngine({ folder: root })
})
afterEach(async () => {
  await studio.close()
  await hub?.close()
  hub = null
  await rm(root, { recursive: true, force: true })
})

async function modelOf(id: string): Promise<ModelView | undefined> {
  return (await studio.client.call('models.list', {})).models.find(model => model.id === id)
}

/** A model of one's own: the starter with one bit of one weight changed. */
async function copyStarter(...path: string[]): Promise<string> {
  const folder = join(root, ...path)
  await mkdir(folder, { recursive: true })
  for (const name of NAMES) {
    const bytes = await readFile(join(STARTER, name))
    if (name === 'model.safetensors') bytes[bytes.length - 4] = (bytes[bytes.length - 4] ?? 0) ^ 1
    await writeFile(join(folder, name), bytes)
  }
  return folder
}

async function create(model: string): Promise<string> {
  const { text } = await bundledText('card-station')
  const { cartridge } = await studio.client.call('packets.create', { model, sources: [{ text }] })
  return cartridge.packetId
}

describe('the hub', () => {
  test('a model of the catalogue is downloaded, used, and removed with its files', async () => {
    const hubId = 'openai-community/gpt2'
    const files = await Promise.all(NAMES.map(async name => [name, await readFile(join(STARTER, name))] as const))
    hub = await startHub({ [hubId]: Object.fromEntries(files) })
    const { client } = studio
    await client.call('settings.set', { hubEndpoint: hub.endpoint })
    const offer = async () => {
      const { entries } = await client.call('models.catalogue', {})
      return entries.find(entry => entry.hubId === hubId)
    }
    expect(await offer()).toMatchObject({
      ...{ installed: false, parameters: '124M', stateBytesPerToken: 73728, chats: false },
      sources: [{ kind: 'hub', place: hub.host, precision: 'float32' }],
    })
    const reports: Progress[] = []
    let changes = 0
    client.on('models.changed', () => changes++)
    const view = await client.call('models.download', { hubId }, { onProgress: report => reports.push(report) })
    expect(view).toMatchObject({
      id: 'openai-community--gpt2',
      status: 'ready',
      downloaded: true,
      hasChatTemplate: true,
    })
    expect(await modelOf(view.id)).toMatchObject({ downloaded: true })
    expect(changes).toBe(1)
    expect(reports.find(({ phase }) => phase === 'downloading')).toMatchObject({ unit: 'bytes' })
    expect(await offer()).toMatchObject({ installed: true })
    expect(await client.call('models.unfinished', {})).toEqual({ downloads: [] })
    expect(await create(view.id)).toMatch(/^sha256:/)

    await expect(client.call('models.remove', { id: view.id })).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' })
    expect(await client.call('models.remove', { id: view.id, deleteFiles: true })).toEqual({ removed: true })
    expect(await modelOf(view.id)).toBeUndefined()
    expect(await readdir(join(root, 'data', 'models'))).toEqual(['.downloads'])
    expect(await offer()).toMatchObject({ installed: false })
  })

  test('a download in the line of jobs is paused, outlives the engine, and goes on where it stopped', async () => {
    const hubId = 'someone/tiny'
    const files = await Promise.all(NAMES.map(async name => [name, await readFile(join(STARTER, name))] as const))
    hub = await startHub({ [hubId]: Object.fromEntries(files) })
    hub.fault = (path, count) =>
      path.endsWith('model.safetensors') && count === 0 ? { stallAfter: 200_000 } : undefined
    await studio.client.call('settings.set', { hubEndpoint: hub.endpoint })
    const status = () => studio.client.call('jobs.status', {})
    await studio.client.call('jobs.add', {
      jobs: [{ title: 'tiny', task: { kind: 'download', hubId, source: 'hub' } }],
    })
    await expect.poll(async () => (await status()).running[0]?.progress).toMatchObject({ phase: 'downloading' })
    // What was sent is worth something when it has arrived.
    const arrived = async () => {
      const part = (await readdir(root, { recursive: true })).find(path => path.endsWith('model.safetensors.part'))
      return part === undefined ? 0 : (await stat(join(root, part))).size
    }
    await expect.poll(arrived).toBeGreaterThan(0)
    await studio.client.call('jobs.pause', { paused: true })
    await expect.poll(async () => (await status()).counts).toMatchObject({ running: 0, waiting: 1 })
    await studio.close()
    studio = await openTestEngine({ folder: root })
    await studio.client.call('jobs.pause', { paused: false })
    await expect.poll(async () => (await status()).counts.done).toBe(1)
    expect(hub.of('model.safetensors').at(-1)?.start).toBeGreaterThan(0)
    expect(await modelOf('someone--tiny')).toMatchObject({ status: 'ready', downloaded: true })
    const { jobs } = await studio.client.call('jobs.list', { kind: 'read' })
    expect(jobs).toEqual([])
  })

  test('a folder of one’s own is taken off the list and never deleted', async () => {
    const folder = await copyStarter('mine')
    expect(await studio.client.call('models.add', { folder })).toMatchObject({ downloaded: false })
    const removing = studio.client.call('models.remove', { id: 'mine', deleteFiles: true })
    await expect(removing).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' })
    await studio.client.call('models.remove', { id: 'mine' })
    expect(await modelOf('mine')).toBeUndefined()
    expect((await readdir(folder)).sort()).toEqual(NAMES)
  })
})

describe('precision', () => {
  test('is converted once, measured and remembered; a cartridge belongs to the precision it was made at', async () => {
    const { client } = studio
    const id = (await client.call('models.add', { folder: await copyStarter('mine') })).id
    const packetId = await create(id)
    const ask = () =>
      studio.client.call('packets.infer', {
        ref: packetId,
        delta: 'Where is Oskar from?',
        maxNewTokens: 2,
        persist: 'memory',
      })
    const before = await ask()
    const reports: Progress[] = []
    const onProgress = (report: Progress) => reports.push(report)
    const { model, effect, notMeasured } = await client.call(
      'models.setPrecision',
      { id, precision: 'int8' },
      { onProgress },
    )
    expect(model).toMatchObject({ id, precision: 'int8', status: 'ready' })
    expect(notMeasured).toBeNull()
    expect(effect?.tokens).toBeGreaterThan(100)
    expect(effect?.meanKl).toBeGreaterThan(0)
    expect(effect?.meanKl).toBeLessThan(0.02)
    expect(effect?.top1Agreement).toBeGreaterThan(0.9)
    expect(effect?.maxLogitDifference).toBeGreaterThan(0)
    expect(reports.filter(({ phase }) => phase === 'converting to int8').at(-1)?.done).toBeGreaterThan(0)
    expect(await readdir(join(root, 'data', 'converted', id))).toEqual(['statepack-int8.safetensors'])
    expect((await readdir(join(root, 'mine'))).sort()).toEqual(NAMES)

    // Same folder, same name, other weights: another model.
    await expect(ask()).rejects.toMatchObject({ code: 'E_COMPONENT_MISMATCH' })
    const other = await create(id)
    expect(other).not.toBe(packetId)
    await studio.close()
    studio = await openTestEngine({ folder: root })
    expect(await modelOf(id)).toMatchObject({ precision: 'int8' })
    reports.length = 0
    await studio.client.call('models.setPrecision', { id, precision: 'float32' }, { onProgress })
    expect(reports.some(({ phase }) => phase.startsWith('converting'))).toBe(false)
    expect((await ask()).newContextId).toBe(before.newContextId)
  })

  test('a cancelled conversion changes nothing', async () => {
    const id = (await studio.client.call('models.add', { folder: await copyStarter('mine') })).id
    const controller = new AbortController()
    const onProgress = ({ phase }: Progress) => {
      if (phase === 'converting to int4') controller.abort()
    }
    const options = { signal: controller.signal, onProgress }
    const converting = studio.client.call('models.setPrecision', { id, precision: 'int4' }, options)
    await expect(converting).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect(await modelOf(id)).toMatchObject({ precision: 'float32', status: 'ready' })
    expect(await readdir(join(root, 'data', 'converted', id))).toEqual([])
  })
})

describe('a missing drive', () => {
  test('its models are offline, after a restart too, and nothing else is harmed', async () => {
    await copyStarter('drive', 'one')
    await copyStarter('drive', 'two')
    await studio.client.call('settings.set', { modelFolders: [join(root, 'drive')] })
    expect(await modelOf('one')).toMatchObject({ status: 'ready' })
    const packetId = await create('one')

    await rename(join(root, 'drive'), join(root, 'unplugged'))
    await studio.close()
    studio = await openTestEngine({ folder: root })
    const { models } = await studio.client.call('models.list', {})
    const status = Object.fromEntries(models.map(model => [model.id, model.status]))
    expect(status).toEqual({ 'starter-mamba': 'ready', 'starter-transformer': 'ready', one: 'offline', two: 'offline' })
    expect(models.find(model => model.id === 'one')?.problem).toMatch(/cannot be reached/)
    const asking = studio.client.call('packets.infer', { ref: packetId, delta: 'Where is Oskar from?' })
    await expect(asking).rejects.toMatchObject({ code: 'E_MODEL_OFFLINE' })
    await expect(create('two')).rejects.toMatchObject({ code: 'E_MODEL_OFFLINE' })
    expect(await create('starter-transformer')).toMatch(/^sha256:/)
    expect((await studio.client.call('packets.inspect', { ref: packetId })).summary.packetId).toBe(packetId)

    await rename(join(root, 'unplugged'), join(root, 'drive'))
    expect(await modelOf('one')).toMatchObject({ status: 'ready' })
    // Deleted from a drive that is there: gone, not offline.
    await rm(join(root, 'drive', 'two'), { recursive: true })
    expect(await modelOf('two')).toBeUndefined()
    expect(await modelOf('one')).toMatchObject({ status: 'ready' })
  })
})
