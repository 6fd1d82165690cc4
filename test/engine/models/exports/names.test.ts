import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { GraphBuilder } from '#engine/models/compile/graphBuilder.ts'
import { openModel } from '#engine/models/sources/openModel.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'export-names-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

interface Names {
  readonly past: string
  readonly present: string
  readonly extra?: readonly [name: string, dims: readonly (string | number)[]]
  readonly logits?: string
}

/** A running sum of one-hot tokens under the names given: logits count how often each token was read. */
async function write({ past, present, extra, logits = 'logits' }: Names): Promise<string> {
  const graph = new GraphBuilder()
  const ids = graph.input('input_ids', 'int64', ['b', 't'])
  const eye = graph.table(
    'eye',
    [5, 5],
    Float32Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
  )
  const state = graph.input(past, 'float32', ['b', 1, 5])
  const sum = graph.op('Add', [graph.op('CumSum', [graph.op('Gather', [eye, ids]), graph.int64(1)]), state])
  graph.op('Slice', [sum, graph.int64([-1]), graph.int64([1000]), graph.int64([1])], {}, present)
  graph.output(present, 'float32', ['b', 1, 5])
  if (extra !== undefined) graph.op('Identity', [graph.input(extra[0], 'float32', extra[1])])
  graph.op('Identity', [sum], {}, logits)
  graph.output(logits, 'float32', ['b', 't', 5])
  const folder = await mkdtemp(join(root, 'model-'))
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'count', vocab_size: 5 }))
  await writeFile(join(folder, 'model.onnx'), graph.encode('count'))
  return folder
}

describe('the names of a state', () => {
  test.each([
    { past: 'past_ssm.0', present: 'present_ssm.0' },
    { past: 'past_recurrent.0', present: 'present_recurrent.0' },
    { past: 'past_conv.0', present: 'present_conv.0' },
    { past: 'past_key_values.0.conv_state', present: 'present.0.conv_state' },
    { past: 'past_key_values.0.recurrent_state', present: 'present.0.recurrent_state' },
  ])('$past goes on as $present', async names => {
    const runtime = await openRuntime(await openModel(await write(names)), { device: 'cpu', threads: 1 })
    const before = runtime.newSession()
    await before.append([1, 1, 4])
    const after = await runtime.restore(await before.capture())
    expect([...(await after.append([1, 0]))]).toEqual([1, 3, 0, 0, 1])
    await runtime.dispose()
  })
})

describe('an export that is not understood is refused before anything is loaded, by file and name', () => {
  const known = { past: 'past_ssm.0', present: 'present_ssm.0' }
  test.each([
    { what: 'an unknown input', names: { ...known, extra: ['pixel_values', ['b', 3]] }, says: /input pixel_values/ },
    {
      what: 'an encoder',
      names: { ...known, extra: ['encoder_hidden_states', ['b', 3]] },
      says: /encoder_hidden_states/,
    },
    {
      what: 'a state without its output',
      names: { ...known, present: 'out' },
      says: /past_ssm\.0 has no output present_ssm\.0/,
    },
    { what: 'no state at all', names: { past: 'token_type_ids', present: 'x' }, says: /no past_key_values/ },
    { what: 'no logits', names: { ...known, logits: 'last_hidden_state' }, says: /no output logits/ },
  ] as const)('$what', async ({ names, says }) => {
    await expect(openModel(await write(names))).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
      message: expect.stringMatching(new RegExp(`model\\.onnx.*${says.source}`)),
      details: { file: 'model.onnx' },
    })
  })

  test('a folder with neither a checkpoint nor an export', async () => {
    const folder = await mkdtemp(join(root, 'empty-'))
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'llama' }))
    await expect(openModel(folder)).rejects.toMatchObject({ code: expect.stringMatching(/^E_MODEL_/) })
  })
})
