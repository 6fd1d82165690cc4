import { cp, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findModels } from '#engine/models/sources/findModels.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { ASSETS, openTestEngine } from '../testEngine.ts'

const [OLD, NEW] = ['0123456789abcdef0123456789abcdef01234567', 'fedcba9876543210fedcba9876543210fedcba98']
let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'find-models-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function model(...path: string[]): Promise<string> {
  const folder = join(root, ...path)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.json'), '{}')
  return folder
}
const found = (folder: string) => findModels([{ folder, starter: false }]).map(({ id, folder }) => [id, folder])

describe('models are found where other tools keep them', () => {
  test('a repository of the Hub’s cache: the snapshot that main is, called by its repository', async () => {
    const repository = join(root, 'models--acme--tiny')
    const [old, newer] = [
      await model('models--acme--tiny', 'snapshots', OLD),
      await model('models--acme--tiny', 'snapshots', NEW),
    ]
    await utimes(old, 1, 1)
    expect(found(repository)).toEqual([['acme/tiny', newer]])
    await mkdir(join(repository, 'refs'))
    await writeFile(join(repository, 'refs', 'main'), OLD)
    expect(found(repository)).toEqual([['acme/tiny', old]])
    expect(found(root)).toEqual([['acme/tiny', old]])
    expect(found(newer)).toEqual([['acme/tiny', newer]])
    const link = join(root, 'link')
    await symlink(newer, link)
    expect(found(link)).toEqual([['acme/tiny', link]])
  })

  test('owner/name two levels down; not deeper, not hidden, not a half-filled cache', async () => {
    const folder = await model('acme', 'tiny')
    const plain = await model('plain')
    await model('plain', 'checkpoint-100')
    await model('.downloads', 'acme--other')
    await model('a', 'b', 'c')
    await mkdir(join(root, 'models--acme--empty', 'snapshots'), { recursive: true })
    expect(found(root)).toEqual([
      ['acme/tiny', folder],
      ['plain', plain],
    ])
  })
})

test('keep their names while a drive is away', async () => {
  await model('drive', 'acme', 'tiny')
  await model('drive', 'models--acme--small', 'snapshots', OLD)
  let seen = {}
  const memory = { get: () => seen, set: (now: typeof seen) => (seen = now) }
  const list = () =>
    findModels([{ folder: join(root, 'drive'), starter: false, external: true }], memory).map(({ id, offline }) => [
      id,
      offline,
    ])
  expect(list()).toEqual([
    ['acme/tiny', false],
    ['acme/small', false],
  ])
  await rm(join(root, 'drive'), { recursive: true })
  expect(list()).toEqual([
    ['acme/tiny', true],
    ['acme/small', true],
  ])
})

test('a cache folder is added, called by its repository everywhere, and removed', async () => {
  const repository = join(root, 'models--acme--tiny')
  const snapshot = join(repository, 'snapshots', OLD)
  await cp(join(ASSETS, 'models', 'starter-transformer'), snapshot, { recursive: true })
  const engine = await openTestEngine()
  try {
    const { client } = engine
    expect(await client.call('models.add', { folder: repository })).toMatchObject({ id: 'acme/tiny' })
    expect(await client.call('models.add', { folder: snapshot })).toMatchObject({ id: 'acme/tiny' })
    const { cartridge } = await client.call('packets.create', {
      model: 'acme/tiny',
      sources: [{ name: 'a', text: 'The goat lives in Oslo. ' }],
    })
    expect(cartridge.model.name).toBe('acme/tiny')
    expect((await openModel(snapshot)).name).toBe('acme/tiny')
    expect(await client.call('models.remove', { id: 'acme/tiny', deleteFiles: false })).toEqual({ removed: true })
    const { models } = await client.call('models.list', {})
    expect(models.map(({ id }) => id)).not.toContain('acme/tiny')
  } finally {
    await engine.close()
  }
})
