/** Exports that name a state and do not carry it as their names promise. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { GraphBuilder } from '#engine/models/compile/graphBuilder.ts'
import { openModel } from '#engine/models/sources/openModel.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'carry-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const WIDTH = 4
const VOCAB = 11
const TOKENS = [3, 1, 4, 1, 5, 9, 2, 6]
const table = Float32Array.from({ length: VOCAB * WIDTH }, (_, i) => Math.sin(i * 1.7))

/** A running sum of embeddings as the state; `reads`: with how many new tokens in a run the past is used. */
async function writeRunningSum(name: string, reads: 'always' | 'single' | 'never'): Promise<string> {
  const graph = new GraphBuilder()
  const embeddings = graph.table('embeddings', [VOCAB, WIDTH], table)
  const x = graph.op('Gather', [embeddings, graph.input('input_ids', 'int64', ['batch', 'tokens'])])
  const past = graph.input('past_ssm.0', 'float32', ['batch', 1, WIDTH])
  const count = graph.op('Gather', [graph.op('Shape', [x]), graph.int64(1)])
  const threshold = { always: 1000, single: 2, never: 0 }[reads]
  const used = graph.op('Cast', [graph.op('Less', [count, graph.int64(threshold)])], { to: 1 })
  const sum = graph.op('Add', [graph.op('CumSum', [x, graph.int64(1)]), graph.op('Mul', [past, used])])
  graph.op('Slice', [sum, graph.int64([-1]), graph.int64([1000]), graph.int64([1])], {}, 'present_ssm.0')
  graph.output('present_ssm.0', 'float32', ['batch', 1, WIDTH])
  graph.op('MatMul', [sum, graph.op('Transpose', [embeddings], { perm: [1, 0] })], {}, 'logits')
  graph.output('logits', 'float32', ['batch', 'tokens', VOCAB])
  const folder = await mkdtemp(join(root, `${name}-`))
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'sum', vocab_size: VOCAB }))
  await writeFile(join(folder, 'model.onnx'), graph.encode('sum'))
  return folder
}

/** Logits after all tokens, in plain loops. */
function expected(): number[] {
  const sum = Array.from({ length: WIDTH }, (_, c) =>
    TOKENS.reduce((total, token) => total + (table[token * WIDTH + c] ?? 0), 0),
  )
  return Array.from({ length: VOCAB }, (_, id) =>
    sum.reduce((total, value, c) => total + value * (table[id * WIDTH + c] ?? 0), 0),
  )
}

describe('an export is asked what it does with its past before it is trusted', () => {
  test.each([
    { reads: 'always' as const, chunkTokens: 128 },
    { reads: 'single' as const, chunkTokens: 1 },
  ])(
    'past read $reads: runs of $chunkTokens tokens, and the right answer in pieces',
    async ({ reads, chunkTokens }) => {
      const model = await openModel(await writeRunningSum(reads, reads))
      const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
      expect(runtime.chunkTokens).toBe(chunkTokens)
      const before = runtime.newSession()
      await before.append(TOKENS.slice(0, 3))
      const after = await runtime.restore(await before.capture())
      const logits = await after.append(TOKENS.slice(3))
      for (const [id, value] of expected().entries()) expect(logits[id]).toBeCloseTo(value, 4)
      expect(after.processed).toBe(TOKENS.length - 3)
      await runtime.dispose()
    },
  )

  test('past never read: refused, not answered wrongly', async () => {
    const model = await openModel(await writeRunningSum('never', 'never'))
    await expect(openRuntime(model, { device: 'cpu', threads: 1 })).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
      message: expect.stringMatching(/state does not carry on/),
    })
  })

  test('a batch of contexts is not offered: the export knows one past length', async () => {
    const model = await openModel(await writeRunningSum('batch', 'always'))
    const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
    expect(runtime.newBatch()).toBeNull()
    await runtime.dispose()
  })
})
