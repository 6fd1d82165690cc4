import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { delimited, readFields } from '#engine/models/sources/export/protoFields.ts'
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

describe('an ONNX file that would take all memory is refused', () => {
  async function refusal(bytes: Uint8Array, length = bytes.length): Promise<unknown> {
    const { folder, path } = await copyOf('llama')
    await writeFile(path, bytes)
    await truncate(path, length)
    return openModel(folder).catch((error: unknown) => error)
  }

  test('a text of 300 GB', async () => {
    // ModelProto.doc_string.
    const start = Buffer.from([0x32, ...varint(300e9 - 7)])
    const message = expect.stringContaining('bytes besides its weights')
    expect(await refusal(start, 300e9)).toMatchObject({ code: 'E_MODEL_WEIGHTS', message })
  })

  test('a field for every two bytes', async () => {
    const message = expect.stringContaining('fields')
    const bytes = Buffer.alloc(2 ** 20, Buffer.from([0x08, 0x01]))
    expect(await refusal(bytes)).toMatchObject({ code: 'E_MODEL_WEIGHTS', message })
  })

  test('graphs in graphs without end', async () => {
    let nested: Uint8Array = new Uint8Array()
    // NodeProto.attribute, AttributeProto.g, GraphProto.node.
    for (let depth = 0; depth < 200; depth++) nested = delimited(1, delimited(5, delimited(6, nested)))
    const fields = readFields(await readFile(resolve('test/golden/onnx/llama/model.onnx')))
    const parts = fields.map(({ number, raw, bytes }) =>
      number === 7 ? delimited(7, Buffer.concat([bytes, nested])) : raw,
    )
    expect(await refusal(Buffer.concat(parts))).toMatchObject({ code: 'E_MODEL_WEIGHTS' })
  })
})

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) + 128)
  }
}
