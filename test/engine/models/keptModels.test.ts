import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SeenModels } from '#engine/models/sources/findModels.ts'
import { keptModels } from '#engine/models/sources/keptModels.ts'

const REVISION = '0123456789abcdef0123456789abcdef01234567'
let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kept-models-'))
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(root, { recursive: true, force: true })
})
/** What was written is that old: nobody writes twice within a tick of the file system's clock. */
const wait = (seconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
async function write(path: string, text = '{}'): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), text)
}

/** All kinds of places, and each change that adds, removes or renames a model there. */
const CHANGES: readonly [name: string, change: () => Promise<unknown>, added: readonly string[], gone?: string][] = [
  ['a model comes', () => write('new/config.json'), ['new']],
  ['one comes below an owner', () => write('acme/new/config.json'), ['acme/new']],
  ['a folder becomes one', () => write('empty/config.json'), ['empty']],
  ['a GGUF file comes, three levels down', () => write('owner/name/new.gguf', ''), ['new']],
  ['a model of Ollama comes', () => ollama('new', '1'), ['new']],
  ['a model goes', () => rm(join(root, 'plain'), { recursive: true }), [], 'plain'],
  ['a model is called otherwise', () => rename(join(root, 'plain'), join(root, 'simple')), ['simple'], 'plain'],
  ['it is no model any more', () => rm(join(root, 'plain', 'config.json')), [], 'plain'],
  ['what a link leads to goes', () => rm(join(root, '.elsewhere'), { recursive: true }), [], 'linked'],
  ['a snapshot goes', () => rm(join(root, 'models--acme--hub'), { recursive: true }), [], 'acme/hub'],
]
async function ollama(name: string, digit: string): Promise<void> {
  const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${digit.repeat(64)}` }]
  await write(`ollama/blobs/sha256-${digit.repeat(64)}`, '')
  await write(`ollama/manifests/host/library/${name}/latest`, JSON.stringify({ layers }))
}

describe('the models that were found', () => {
  let memory: SeenModels = {}
  const remember = (seen: SeenModels) => {
    memory = seen
  }
  const kept = () => keptModels({ get: () => memory, set: remember })
  const folders = () => [root, join(root, 'ollama')].map(folder => ({ folder, starter: false, external: true }))
  beforeEach(async () => {
    for (const path of ['plain', 'acme/tiny', `models--acme--hub/snapshots/${REVISION}`, '.elsewhere/linked'])
      await write(`${path}/config.json`)
    await symlink(join(root, '.elsewhere', 'linked'), join(root, 'linked'))
    await write('owner/name/one.gguf', '')
    await mkdir(join(root, 'empty'))
    await ollama('old', '0')
  })

  test('are given again while nothing changed, for as long as a file system may be wrong', () => {
    const find = kept()
    const first = find(folders())
    expect(first.map(({ id }) => id).sort()).toEqual(['acme/hub', 'acme/tiny', 'linked', 'old', 'one', 'plain'])
    // What has just been written may be written again within the same tick.
    expect(find(folders())).not.toBe(first)
    wait(10)
    const later = find(folders())
    expect(find(folders())).toBe(later)
    expect(find(folders().slice(0, 1))).not.toBe(later)
    const again = find(folders())
    wait(6)
    expect(find(folders())).not.toBe(again)
    expect(find(folders())).toEqual(again)
  })

  test.each(CHANGES)('are looked for again when %s', async (_, change, added, gone) => {
    const find = kept()
    wait(10)
    const before = find(folders()).map(({ id }) => id)
    await change()
    const now = find(folders()).map(({ id }) => id)
    expect(now.toSorted()).toEqual([...before.filter(id => id !== gone), ...added].toSorted())
  })
})
