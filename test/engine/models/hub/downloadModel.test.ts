import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DownloadOptions, downloadModel } from '#engine/models/hub/downloadModel.ts'
import { createDownloadQueue, unfinishedDownloads } from '#engine/models/hub/downloadQueue.ts'
import { parseHubModel } from '#engine/models/hub/hubId.ts'
import { findModels } from '#engine/models/sources/findModels.ts'
import { PATIENCE as DEFAULT, type Patience } from '#engine/network/patientFetch.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { writeToyExport } from '../../../model/toyExport.ts'
import { type HubServer, startHub } from './hubServer.ts'

const CUTS = process.env.DEEP ? 100 : 15
const PATIENCE: Patience = { attempts: 4, pauseMs: 5, longestMs: 3000, stallMs: 30_000, noticeMs: 20_000 }
const ATTENTIVE: Patience = { ...PATIENCE, noticeMs: 50 }
/** Waits long enough for a hub that is not silent, on a machine that is busy. */
const IMPATIENT: Patience = { ...ATTENTIVE, stallMs: 3000 }
const GPT2 = 'some-lab/gpt2-tiny'
const WEIGHTS = 'model.safetensors'

let modelsFolder = ''
let hub: HubServer
let gpt2: Record<string, Uint8Array> = {}
let weights: Uint8Array = new Uint8Array()

beforeEach(async () => {
  modelsFolder = join(await mkdtemp(join(tmpdir(), 'hub-')), 'models')
  gpt2 = {
    ...(await filesOf(resolve('test/golden/gpt2'), ['config.json', WEIGHTS])),
    'README.md': Buffer.from('# not needed'),
    'pytorch_model.bin': Buffer.alloc(100),
    'runs/events.json': Buffer.from('{}'),
  }
  weights = gpt2[WEIGHTS] ?? new Uint8Array()
  hub = await startHub({ [GPT2]: gpt2 })
})
afterEach(async () => {
  await hub.close()
  await rm(join(modelsFolder, '..'), { recursive: true, force: true })
})

async function filesOf(folder: string, names: readonly string[]): Promise<Record<string, Uint8Array>> {
  return Object.fromEntries(await Promise.all(names.map(async name => [name, await readFile(join(folder, name))])))
}

const download = (options: Partial<DownloadOptions> = {}, hubId = GPT2) =>
  downloadModel(parseHubModel(hubId), { endpoint: hub.endpoint, modelsFolder, patience: PATIENCE, ...options })
const listed = () => findModels([{ folder: modelsFolder, starter: false }]).map(({ id }) => id)
const faulty = (name: string, fault: (count: number) => ReturnType<HubServer['fault']>) => {
  hub.fault = (path, count) => (path.endsWith(`/resolve/main/${name}`) ? fault(count) : undefined)
}

async function expectInstalled(folder: string): Promise<void> {
  expect(listed()).toEqual(['some-lab--gpt2-tiny'])
  expect((await readdir(folder)).sort()).toEqual(['config.json', WEIGHTS])
  expect(Buffer.from(weights).equals(await readFile(join(folder, WEIGHTS)))).toBe(true)
}

describe('downloading a model', () => {
  test('fetches what a model needs, checks it and shows it only then', async () => {
    const reports: Progress[] = []
    const during = new Set<number>()
    const progress = (report: Progress) => {
      reports.push(report)
      during.add(listed().length)
    }
    await expectInstalled(await download({ progress }))
    expect([...during]).toEqual([0])
    const phases = new Set(reports.map(({ phase }) => phase))
    expect([...phases]).toEqual(['asking the hub', 'downloading', 'hashing weights'])
    const last = reports.findLast(({ phase }) => phase === 'downloading')
    const total = weights.length + (gpt2['config.json']?.length ?? 0)
    expect(last).toMatchObject({ done: total, total, unit: 'bytes', etaSeconds: 0 })
    expect(last?.rate).toBeGreaterThan(0)
    hub.requests.length = 0
    await expectInstalled(await download())
    expect(hub.requests).toEqual([])
  })

  test('takes shards with their index, and an export where the architecture is not known', async () => {
    const shards = [1, 2, 3, 4].map(n => `model-0000${n}-of-00004.safetensors`)
    const sharded = ['config.json', 'model.safetensors.index.json', ...shards]
    const toy = join(modelsFolder, '..', 'toy')
    await writeToyExport(toy, { layers: [['conv'], ['kv']], type: 'float32', extras: [] })
    const files = await filesOf(toy, ['config.json', 'model.onnx'])
    const { 'model.onnx': graph = new Uint8Array(), 'config.json': config = new Uint8Array() } = files
    hub.files.set(
      'lab/sharded',
      new Map(Object.entries(await filesOf(resolve('test/golden/llama-float16-sharded'), sharded))),
    )
    const exported = {
      'config.json': config,
      'onnx/model.onnx': graph,
      'onnx/model_q4.onnx': graph,
      [WEIGHTS]: weights,
    }
    hub.files.set('lab/hybrid', new Map(Object.entries(exported)))
    expect((await readdir(await download({}, 'lab/sharded'))).sort()).toEqual(sharded.toSorted())
    const folder = await download({}, 'lab/hybrid')
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'onnx'])
    expect(await readdir(join(folder, 'onnx'))).toEqual(['model.onnx'])
  })

  test('a model that cannot run is refused by name before its weights are fetched', async () => {
    const config = (fields: object) => Buffer.from(JSON.stringify(fields))
    hub.files.set(
      'lab/unknown',
      new Map(Object.entries({ 'config.json': config({ model_type: 'rwkv' }), [WEIGHTS]: weights })),
    )
    await expect(download({}, 'lab/unknown')).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED', message: /rwkv/ })
    hub.files.set(
      'lab/old',
      new Map(Object.entries({ 'config.json': config({ model_type: 'gpt2' }), 'pytorch_model.bin': weights })),
    )
    await expect(download({}, 'lab/old')).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
      message: /pytorch_model\.bin/,
    })
    await expect(download({}, 'lab/none')).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
    expect(hub.of(WEIGHTS)).toEqual([])
    expect(listed()).toEqual([])
    expect(await unfinishedDownloads(modelsFolder)).toEqual([])
  })

  test('weights that contradict config.json are refused and leave nothing', async () => {
    const config = JSON.parse(Buffer.from(gpt2['config.json'] ?? []).toString())
    hub.files.get(GPT2)?.set('config.json', Buffer.from(JSON.stringify({ ...config, n_layer: 9 })))
    await expect(download()).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS' })
    expect(listed()).toEqual([])
    expect(await unfinishedDownloads(modelsFolder)).toEqual([])
  })

  test('a disk that is too full is noticed before the weights', async () => {
    const refused = download({ freeBytes: async () => weights.length })
    await expect(refused).rejects.toMatchObject({ code: 'E_DISK_FULL', details: { free: weights.length } })
    expect(hub.of(WEIGHTS)).toEqual([])
    await expectInstalled(await download({ freeBytes: async () => weights.length + (256 << 20) }))
  })
})

describe('a hub that misbehaves', () => {
  test('cut at random offsets: goes on where it was, at most a chunk is fetched twice', async () => {
    const random = xoroshiro128plus(42)
    const next = () => (random.next() >>> 0) / 2 ** 32
    for (let cut = 0; cut < CUTS; cut++) {
      hub.requests.length = 0
      const at = Math.floor(next() * weights.length)
      faulty(WEIGHTS, count => (count === 0 ? { cutAfter: at, quietly: next() < 0.3 } : undefined))
      await expectInstalled(await download())
      const requests = hub.of(WEIGHTS)
      expect(requests).toHaveLength(2)
      expect((requests[1]?.start ?? 0) + 65536).toBeGreaterThanOrEqual(at)
      expect(requests[1]?.start).toBeLessThanOrEqual(at)
      await rm(join(modelsFolder, 'some-lab--gpt2-tiny'), { recursive: true })
    }
  })

  test('many cuts in a row end well as long as something arrives', async () => {
    faulty(WEIGHTS, () => ({ cutAfter: 70_000 }))
    await expectInstalled(await download())
    expect(hub.of(WEIGHTS).length).toBeGreaterThan(PATIENCE.attempts)
  })

  test('a server that ignores ranges', async () => {
    faulty(WEIGHTS, count => (count === 0 ? { cutAfter: 300_000 } : { ignoreRange: true }))
    await expectInstalled(await download())
    expect(hub.of(WEIGHTS).map(({ start }) => start)).toEqual([0, 0])
  })

  test('a file that always ends early is refused, and its part is kept', async () => {
    faulty(WEIGHTS, () => ({ cutAfter: 200_000, quietly: true, ignoreRange: true }))
    await expect(download()).rejects.toMatchObject({ code: 'E_NETWORK' })
    expect(listed()).toEqual([])
    expect((await unfinishedDownloads(modelsFolder))[0]?.hubId).toBe(GPT2)
    hub.fault = () => undefined
    await expectInstalled(await download())
    expect(hub.of(WEIGHTS).at(-1)?.start).toBe(200_000)
  })

  test.each([
    ['one wrong bit', { flip: 400_000 }, /digest/],
    ['more bytes than listed', { extra: 9 }, /more than/],
  ])('%s is refused', async (_, fault, message) => {
    faulty(WEIGHTS, () => fault)
    await expect(download()).rejects.toMatchObject({ code: 'E_CORRUPT', details: { file: WEIGHTS }, message })
    expect(listed()).toEqual([])
    hub.fault = () => undefined
    await expectInstalled(await download())
  })

  test('a wrong bit in a small file is refused too', async () => {
    faulty('config.json', () => ({ flip: 3 }))
    await expect(download()).rejects.toMatchObject({ code: 'E_CORRUPT', details: { file: 'config.json' } })
    expect(listed()).toEqual([])
  })

  test('wrong bytes of an earlier run are fetched again', async () => {
    const staging = join(modelsFolder, '.downloads', 'some-lab--gpt2-tiny')
    await mkdir(staging, { recursive: true })
    await writeFile(join(staging, `${WEIGHTS}.part`), Buffer.alloc(1000, 1))
    await writeFile(join(staging, 'generation_config.json'), 'of an older version')
    await expectInstalled(await download())
    expect(hub.of(WEIGHTS).map(({ start }) => start)).toEqual([1000, 0])
  })

  test('429 is waited for as long as it asks, 503 with a growing pause, and both are shown', async () => {
    const phases: string[] = []
    faulty(WEIGHTS, count =>
      [{ status: 429, headers: { 'retry-after': '1' } }, { status: 503 }, { status: 503 }].at(count),
    )
    const started = Date.now()
    await expectInstalled(await download({ progress: ({ phase }) => phases.push(phase) }))
    expect(Date.now() - started).toBeGreaterThanOrEqual(1000)
    expect(phases).toContain('The hub is busy (429), trying again in 1 s')
    expect(phases).toContain('The hub is busy (503), trying again in 1 s')
  })

  test('a hub that stays busy, or asks for too long, is given up with what has arrived', async () => {
    faulty(WEIGHTS, count => (count === 0 ? { cutAfter: 100_000 } : { status: 503 }))
    await expect(download()).rejects.toMatchObject({ code: 'E_NETWORK', message: /busy \(503\)/ })
    faulty(WEIGHTS, () => ({ status: 429, headers: { 'retry-after': '86400' } }))
    await expect(download()).rejects.toMatchObject({ code: 'E_NETWORK', message: /86400 seconds/ })
    expect(listed()).toEqual([])
    hub.fault = () => undefined
    await expectInstalled(await download())
    // A connection that is cut may take the last of what was sent with it.
    const start = hub.of(WEIGHTS).at(-1)?.start
    expect(start).toBeGreaterThan(0)
    expect(start).toBeLessThanOrEqual(100_000)
  })

  test('silence is shown, then the connection is made anew', async () => {
    const phases: string[] = []
    faulty(WEIGHTS, count => [{ silent: true }, { stallAfter: 250_000 }].at(count))
    await expectInstalled(await download({ patience: IMPATIENT, progress: ({ phase }) => phases.push(phase) }))
    expect(phases).toContain('The hub does not answer')
    expect(phases).toContain('Nothing arrives')
    expect(DEFAULT.noticeMs).toBeLessThanOrEqual(3000)
    expect(hub.of(WEIGHTS).map(({ start }) => start)).toEqual([0, 0, 250_000])
  })

  test('a list that breaks off, or hangs, is asked for again', async () => {
    hub.fault = (path, count) =>
      path.startsWith('/api/') ? [{ cutAfter: 40 }, { stallAfter: 40 }].at(count) : undefined
    await expectInstalled(await download({ patience: IMPATIENT }))
    expect(hub.requests.filter(({ path }) => path.startsWith('/api/'))).toHaveLength(3)
  })

  test('refusals say what to do', async () => {
    hub.fault = () => ({ status: 401 })
    await expect(download()).rejects.toMatchObject({ code: 'E_UNAUTHORIZED', message: /HF_TOKEN/ })
    hub.fault = () => ({ status: 403 })
    await expect(download()).rejects.toMatchObject({ code: 'E_FORBIDDEN', message: /licence/ })
    await hub.close()
    await expect(download()).rejects.toMatchObject({ code: 'E_NETWORK', message: /cannot be reached/ })
  })

  test('a list that is no list, or names paths outside the folder, does no harm', async () => {
    hub.files.get(GPT2)?.set('../../evil.json', Buffer.from('x'))
    hub.files.get(GPT2)?.set('onnx/../../model.onnx', Buffer.from('x'))
    await expectInstalled(await download())
    await rm(join(modelsFolder, 'some-lab--gpt2-tiny'), { recursive: true })
    hub.files.set('lab/odd', new Map([['main', Buffer.from('x')]]))
    hub.files.set('api/models/lab', new Map())
    await expect(download({ endpoint: `${hub.endpoint}/lab/odd/resolve` })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    })
    for (const id of ['../x', 'a/b/c', 'a/..', '', 'a/b c', '.downloads', 'a--b/c']) {
      expect(() => parseHubModel(id)).toThrowError(expect.objectContaining({ code: 'E_BAD_INPUT' }))
    }
  })
})

describe('interrupting', () => {
  test('a cancelled download keeps what it has, and goes on later, in another process too', async () => {
    const controller = new AbortController()
    faulty(WEIGHTS, count => (count === 0 ? { stallAfter: 400_000 } : undefined))
    const progress = ({ phase, done = 0 }: Progress) => {
      if (phase === 'Nothing arrives' && done > 400_000) controller.abort()
    }
    await expect(download({ patience: ATTENTIVE, signal: controller.signal, progress })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(listed()).toEqual([])
    expect(await unfinishedDownloads(modelsFolder)).toEqual([
      { hubId: GPT2, source: 'hub', bytes: 400_000 + (gpt2['config.json']?.length ?? 0) },
    ])
    await expectInstalled(await download())
    expect(hub.of(WEIGHTS).map(({ start }) => start)).toEqual([0, 400_000])
    expect(await unfinishedDownloads(modelsFolder)).toEqual([])
  })

  test('one model has one download at a time; the queue takes one after the other', async () => {
    faulty(WEIGHTS, count => (count === 0 ? { stallAfter: 400_000 } : undefined))
    const leaving = new AbortController()
    const first = download({ signal: leaving.signal })
    await expect.poll(() => hub.of(WEIGHTS).length).toBe(1)
    await expect(download()).rejects.toMatchObject({ code: 'E_CONFLICT' })
    leaving.abort()
    await expect(first).rejects.toMatchObject({ name: 'AbortError' })
    hub.files.set('lab/second', hub.files.get(GPT2) ?? new Map())
    hub.files.set('lab/third', hub.files.get(GPT2) ?? new Map())
    const queue = createDownloadQueue()
    const options = { endpoint: hub.endpoint, modelsFolder, patience: PATIENCE }
    const controller = new AbortController()
    faulty(WEIGHTS, () => undefined)
    hub.requests.length = 0
    const enqueue = (hubId: string, more: Partial<DownloadOptions> = {}) =>
      queue.run(() => downloadModel(parseHubModel(hubId), { ...options, ...more }), more)
    const second = enqueue('lab/second')
    const left = enqueue('lab/left', { signal: controller.signal })
    const third = enqueue('lab/third')
    controller.abort()
    await expect(left).rejects.toMatchObject({ name: 'AbortError' })
    await Promise.all([second, third])
    const owners = hub.requests.map(({ path }) => /(second|third|left)/.exec(path)?.[1])
    expect(owners).toEqual(owners.toSorted((a = '', b = '') => (a < b ? -1 : a > b ? 1 : 0)))
    expect(owners).not.toContain('left')
  })
})
