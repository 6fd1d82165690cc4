import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { modelView } from '#engine/api/modelView.ts'
import { createModelPool } from '#engine/live/modelPool.ts'
import { findModels } from '#engine/models/sources/findModels.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import { openTestEngine } from '../testEngine.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-pool-'))
  await cp(resolve('assets/models'), folder, { recursive: true })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function poolOf(folder: string) {
  let scans = 0
  const entries = () => {
    scans += 1
    return findModels([{ folder, starter: false }])
  }
  const pool = createModelPool({ entries, device: () => 'cpu', threads: 1 })
  return { pool, scans: () => scans }
}
const same = (a: { weightsDigest: string }, b: { weightsDigest: string }) => a.weightsDigest === b.weightsDigest

describe('the model a state belongs to', () => {
  test('is found by what it is, whatever it is called now', async () => {
    const { pool } = poolOf(folder)
    const { fingerprint } = await pool.open('starter-mamba')
    const renamed = { ...fingerprint, name: 'starter-transformer' }
    expect((await pool.forFingerprint(renamed, same)).id).toBe('starter-mamba')
    expect(await pool.installed().has(renamed)).toBe(true)
  })

  test('is told by its headers until it was opened, by its weights then, and never by its name', async () => {
    const { pool } = poolOf(folder)
    const weightsDigest = parseDigest(`sha256:${'0'.repeat(64)}`)
    const ofAnotherKind = { name: 'starter-mamba', architecture: 'gpt2', weightsDigest }
    expect(await pool.installed().has(ofAnotherKind)).toBe(false)
    const renamed = { name: 'elsewhere', architecture: 'mamba2', weightsDigest }
    expect(await pool.installed().has(renamed)).toBe(true)
    await pool.open('starter-mamba')
    expect(await pool.installed().has(renamed)).toBe(false)
  })

  test('that cannot be opened says why; one that might be it is named', async () => {
    const { fingerprint } = await poolOf(folder).pool.open('starter-mamba')
    await writeFile(join(folder, 'starter-mamba', 'model.safetensors'), 'damaged')
    const { pool } = poolOf(folder)
    await expect(pool.forFingerprint(fingerprint, same)).rejects.toMatchObject({
      code: 'E_MODEL_WEIGHTS',
      message: expect.stringContaining('length field') as string,
    })
    const unknown = { ...fingerprint, name: 'elsewhere' }
    await expect(pool.forFingerprint(unknown, same)).rejects.toMatchObject({
      code: 'E_UNKNOWN_MODEL',
      message: expect.stringContaining('starter-mamba (') as string,
    })
  })
})

test('a list of models looks through the folders once, however many there are', async () => {
  const { pool, scans } = poolOf(folder)
  for (let i = 0; i < 5; i++) await cp(join(folder, 'starter-mamba'), join(folder, `copy-${i}`), { recursive: true })
  const views = await Promise.all(
    pool
      .entries()
      .map(entry => modelView(pool, { entry, downloaded: false, prefillTokensPerSecond: null, precisionReason: null })),
  )
  expect(views).toHaveLength(7)
  expect(scans()).toBe(1)
})

test('models.list and library.list look through the folders once each', async () => {
  const { engine, client, close } = await openTestEngine()
  try {
    for (const text of ['The goat lives in Oslo.', 'The tea of Tolan is green.', 'The mill is old.'])
      await client.call('packets.create', { model: 'starter-transformer', sources: [{ text }] })
    let scans = 0
    const { entries, installed } = engine.state.models
    Object.assign(engine.state.models, {
      entries: () => {
        scans += 1
        return entries()
      },
      installed: () => {
        scans += 1
        return installed()
      },
    })
    expect((await client.call('library.list', {})).items).toHaveLength(3)
    expect(scans).toBe(1)
    expect((await client.call('models.list', {})).models.length).toBeGreaterThan(1)
    expect(scans).toBe(2)
  } finally {
    await close()
  }
})

test('a model is known by its weights whatever it is called now, also after a restart', async () => {
  const renamed = join(folder, 'my-own')
  await cp(join(folder, 'starter-mamba'), renamed, { recursive: true })
  const { fingerprint } = await poolOf(folder).pool.open('starter-mamba')
  const there = await openTestEngine({ assetsFolder: join(folder, 'nothing'), modelFolders: [renamed] })
  const home = there.folder
  try {
    const sources = [{ text: 'The goat lives in Oslo.\n' }]
    await there.client.call('packets.create', { model: 'my-own', sources, name: 'goat' })
  } finally {
    await there.engine.dispose()
  }
  await rename(renamed, join(folder, 'renamed'))
  const open = () =>
    openTestEngine({ folder: home, assetsFolder: join(folder, 'nothing'), modelFolders: [join(folder, 'renamed')] })
  const first = await open()
  try {
    const listed = await first.client.call('library.list', { model: 'renamed' })
    expect(listed).toMatchObject({ total: 1, facets: { model: { renamed: 1, 'my-own': 1 } } })
    expect(listed.items[0]?.model).toMatchObject({ name: 'my-own', installed: true })
  } finally {
    await first.engine.dispose()
  }
  const again = await open()
  try {
    expect((await again.client.call('library.list', {})).items[0]?.model.installed).toBe(true)
    expect(await again.engine.state.models.installed().has(fingerprint)).toBe(true)
  } finally {
    await again.close()
    await rm(home, { recursive: true, force: true })
  }
})

test('a folder is kept only when its model opened', async () => {
  const { client, close } = await openTestEngine()
  try {
    const bad = join(folder, 'starter-mamba')
    await writeFile(join(bad, 'tokenizer.json'), '{')
    await expect(client.call('models.add', { folder: bad })).rejects.toMatchObject({ code: 'E_TOKENIZER' })
    expect((await client.call('models.list', {})).folders).toEqual([])
    const good = await client.call('models.add', { folder: join(folder, 'starter-transformer') })
    expect(good.status).toBe('ready')
  } finally {
    await close()
  }
})
