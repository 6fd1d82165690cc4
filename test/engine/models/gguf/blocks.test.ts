import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { GraphBuilder } from '#engine/models/compile/graphBuilder.ts'
import { GraphWeights } from '#engine/models/compile/graphWeights.ts'
import type { Checkpoint } from '#engine/models/sources/checkpoint.ts'
import { readCheckpointFile } from '#engine/models/sources/checkpoint.ts'
import { convertCheckpoint } from '#engine/models/sources/convertCheckpoint.ts'
import { BLOCK_LAYOUTS, unpackRows, weightsOf } from '#engine/models/sources/gguf/ggufBlocks.ts'
import { joinPacked } from '#engine/models/sources/packedPieces.ts'

/** Random blocks of every type and what gguf-py makes of them: two rows of 512 weights. */
const blocks = z
  .record(z.string(), z.object({ bytes: z.base64(), weights: z.base64() }))
  .parse(JSON.parse(readFileSync('test/golden/gguf-blocks.json', 'utf8')))
const [ROWS, WIDTH] = [2, 512]
const decode = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('reads every quantised type', () => {
  expect(Object.keys(blocks).sort()).toEqual(Object.keys(BLOCK_LAYOUTS).sort())
})

describe.each(Object.entries(blocks))('%s', (type, reference) => {
  const bytes = decode(reference.bytes)
  // A zero has no sign here.
  const weights = new Float32Array(decode(reference.weights).buffer).map(weight => weight + 0)

  it('is taken apart without changing a number', () => {
    const layout = BLOCK_LAYOUTS[type]
    if (layout === undefined) throw new Error(`No ${type}.`)
    expect(weightsOf(layout, unpackRows(layout, bytes)).map(weight => weight + 0)).toEqual(weights)
  })

  it('is multiplied with and looked up as it is', async () => {
    const { product, looked } = await runPacked(type, bytes)
    expect(Array.from(looked, weight => weight + 0)).toEqual(Array.from(weights))
    for (let row = 0; row < ROWS; row++) {
      const terms = Array.from({ length: WIDTH }, (_, i) => (weights[row * WIDTH + i] ?? 0) * inputAt(i))
      const size = terms.reduce((sum, term) => sum + Math.abs(term), 0)
      const exact = terms.reduce((sum, term) => sum + term, 0)
      // float32's own rounding of a sum of 512 products.
      expect(Math.abs((product[row] ?? 0) - exact)).toBeLessThan(size * 2 ** -20)
    }
  })
})

const inputAt = (index: number): number => Math.fround(Math.sin(index * 12.9898))

/** Both uses of a weight in one graph, over the file that the product writes. */
async function runPacked(type: string, bytes: Uint8Array): Promise<{ product: Float32Array; looked: Float32Array }> {
  await writeFile(join(folder, 'stored'), bytes)
  const tensor = {
    name: 'w.weight',
    dtype: type,
    shape: [ROWS, WIDTH],
    file: 'stored',
    offset: 0,
    length: bytes.length,
  }
  const source: Checkpoint = { folder, files: ['stored'], tensors: new Map([[tensor.name, tensor]]) }
  const matrix = { outputs: ROWS, inputs: WIDTH, layout: 'out-in' } as const
  const [matrices, whole] = [new Map([[tensor.name, matrix]]), new Set([tensor.name])]
  const path = join(folder, `${type}.safetensors`)
  await convertCheckpoint(source, path, { form: 'packed', matrices, whole, metadata: {} })
  const packed = joinPacked(await readCheckpointFile(path), source)

  const graph = new GraphBuilder()
  const used = new GraphWeights(graph, packed)
  const x = graph.input('x', 'float32', [1, WIDTH])
  const ids = graph.input('ids', 'int64', [ROWS])
  graph.op('Identity', [used.linear(x, 'w', [ROWS, WIDTH], false)], {}, 'product')
  graph.output('product', 'float32', [1, ROWS])
  graph.op('Identity', [used.gather('w.weight', [ROWS, WIDTH], ids)], {}, 'looked')
  graph.output('looked', 'float32', [ROWS, WIDTH])
  const session = await InferenceSession.create(graph.encode('packed'), {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    extra: { session: { model_external_initializers_file_folder_path: packed.folder } },
  })
  const { product, looked } = await session.run({
    x: new Tensor(
      'float32',
      Float32Array.from({ length: WIDTH }, (_, i) => inputAt(i)),
      [1, WIDTH],
    ),
    ids: new Tensor('int64', BigInt64Array.of(0n, 1n), [ROWS]),
  })
  await session.release()
  return { product: product?.data as Float32Array, looked: looked?.data as Float32Array }
}
