import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openModel } from '#engine/models/sources/openModel.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'skeleton-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function copyOf(name: string): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(root, `${name}-`))
  await cp(resolve('test/golden/onnx', name), folder, { recursive: true })
  return { folder, path: join(folder, 'model.onnx') }
}

describe('weights inside an ONNX file are left in the file', () => {
  test('the graph in memory is a fraction of the file', async () => {
    const { folder, path } = await copyOf('gpt2')
    const { graph } = await openModel(folder)
    expect(graph.bytes.length).toBeLessThan((await readFile(path)).length / 4)
  })

  test('a file cut inside its weights is refused with the byte at which it breaks off, before anything is loaded', async () => {
    const { folder, path } = await copyOf('gpt2')
    const { length } = await readFile(path)
    await truncate(path, length - 300_000)
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'E_MODEL_WEIGHTS',
      message: expect.stringMatching(new RegExp(`model\\.onnx.*byte \\d+.*${length - 300_000}`)),
    })
  })

  test('a tensor of another size than its dimensions say is refused by name', async () => {
    const { folder, path } = await copyOf('genai-llama-fp32')
    const bytes = await readFile(path)
    const entry = /length..(\d{3,})/s.exec(bytes.toString('latin1'))
    const at = (entry?.index ?? 0) + (entry?.[0].length ?? 0) - 1
    bytes[at] = bytes[at] === 0x30 ? 0x38 : 0x30
    await writeFile(path, bytes)
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'E_MODEL_WEIGHTS',
      message: expect.stringMatching(/tensor \S+ needs \d+ bytes and has \d+/),
    })
  })
})
