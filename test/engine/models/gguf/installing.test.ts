import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestEngine, type TestEngine } from '../../testEngine.ts'
import { LIES } from './lies.ts'
import { tinyGguf } from './tinyGguf.ts'

let folder = ''
let test: TestEngine
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-'))
  test = await openTestEngine()
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true })
})
const own = async () => (await test.client.call('models.list', {})).models.filter(model => !model.starter)

describe('a GGUF model in the engine', () => {
  it('is added by its path, keeps a text, answers from it, and leaves the list without leaving its disk', async () => {
    const path = join(folder, 'tiny.gguf')
    await writeFile(path, tinyGguf())
    const added = await test.client.call('models.add', { folder: path })
    expect(added).toMatchObject({ id: 'tiny', architecture: 'llama', status: 'ready', quantised: null, folder: path })
    const { cartridge } = await test.client.call('packets.create', {
      ...{ model: 'tiny', sources: [{ name: 'a text', text: 'the' }] },
    })
    const answer = await test.client.call('packets.infer', { ref: cartridge.packetId, delta: 'the', maxNewTokens: 4 })
    expect(answer.tokens).toMatchObject({ delta: 1 })
    expect(await test.client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed' })).toMatchObject({
      ok: true,
    })
    expect(await test.client.call('models.remove', { id: 'tiny' })).toEqual({ removed: true })
    expect(await own()).toEqual([])
    await expect(test.client.call('models.add', { folder: path })).resolves.toMatchObject({ id: 'tiny' })
    await test.client.call('models.remove', { id: 'tiny' })
  })

  it('is found in a folder beside files that lie, which say what is wrong with them', async () => {
    const shelf = join(folder, 'shelf')
    await mkdir(shelf)
    await writeFile(join(shelf, 'a-good.gguf'), tinyGguf())
    const short = LIES.filter(({ length }) => length === undefined)
    for (const { name, bytes } of short) await writeFile(join(shelf, `${name}.gguf`), bytes)
    await test.client.call('models.add', { folder: shelf })
    const models = await own()
    expect(models.map(({ id, status }) => [id, status]).sort()).toEqual(
      [['a-good', 'ready'], ...short.map(({ name }) => [name, 'broken'])].sort(),
    )
    for (const { problem, status } of models) if (status === 'broken') expect(problem).toMatch(/\.gguf|tokenizer/)
  })

  it('refuses what is neither a folder of models nor a GGUF file', async () => {
    const path = join(folder, 'text.gguf')
    await writeFile(path, 'no model')
    await expect(test.client.call('models.add', { folder: path })).rejects.toMatchObject({ code: 'E_UNKNOWN_MODEL' })
    await expect(test.client.call('models.add', { folder: join(folder, 'gone') })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    })
  })
})
