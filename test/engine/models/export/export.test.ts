import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { maxAbsDiff, readGoldenTensors } from '../../../model/goldenTensors.ts'
import { TOY_VOCAB, TOY_WIDTH, type ToyExport, toyLogits, writeToyExport } from '../../../model/toyExport.ts'

const RUNS = process.env.DEEP ? 1000 : 60
let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'export-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const TOKENS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9]

/** Largest difference from the oracle: in pieces, through a capture and a restore in the middle. */
async function difference(folder: string, toy: ToyExport): Promise<number> {
  const runtime = await openRuntime(await openModel(folder), { device: 'cpu', threads: 1 })
  try {
    const before = runtime.newSession()
    const first = await before.append(TOKENS.slice(0, 6), { logits: 'all' })
    const after = await runtime.restore(await before.capture())
    const second = await after.append(TOKENS.slice(6, 10), { logits: 'all' })
    const rest: number[] = []
    for (const token of TOKENS.slice(10)) rest.push(...(await after.append([token])))
    return maxAbsDiff([...first, ...second, ...rest], toyLogits(toy, TOKENS).flat())
  } finally {
    await runtime.dispose()
  }
}

const HYBRIDS: Readonly<Record<string, { toy: ToyExport; geometry: unknown }>> = {
  'convolutions and attention in turn, as LFM2 is exported': {
    toy: {
      layers: [['conv'], ['kv'], ['conv']],
      type: 'float32',
      extras: ['attention_mask', 'position_ids', 'num_logits_to_keep'],
    },
    geometry: {
      kind: 'hybrid',
      perLayer: [
        { kind: 'ssm', layer: 0, conv: [TOY_WIDTH, 2], ssm: [1] },
        { kind: 'kv', layer: 1, kvHeads: 1, headDim: TOY_WIDTH },
        { kind: 'ssm', layer: 2, conv: [TOY_WIDTH, 2], ssm: [1] },
      ],
    },
  },
  'past_recurrent with attention, as Qwen3.5 is exported': {
    toy: { layers: [['conv', 'recurrent'], ['kv']], type: 'float32', extras: ['attention_mask'] },
    geometry: {
      kind: 'hybrid',
      perLayer: [
        { kind: 'ssm', layer: 0, conv: [TOY_WIDTH, 2], ssm: [TOY_WIDTH, 1] },
        { kind: 'kv', layer: 1, kvHeads: 1, headDim: TOY_WIDTH },
      ],
    },
  },
  'both side by side in every layer, as Falcon-H1 is exported': {
    toy: {
      layers: [
        ['conv', 'ssm', 'kv'],
        ['conv', 'ssm', 'kv'],
      ],
      type: 'float32',
      extras: ['attention_mask', 'position_ids'],
    },
    geometry: {
      kind: 'hybrid',
      perLayer: [0, 1].flatMap(layer => [
        { kind: 'kv', layer, kvHeads: 1, headDim: TOY_WIDTH },
        { kind: 'ssm', layer, conv: [TOY_WIDTH, 2], ssm: [TOY_WIDTH, 1] },
      ]),
    },
  },
  'a recurrence alone': {
    toy: {
      layers: [
        ['conv', 'ssm'],
        ['conv', 'ssm'],
      ],
      type: 'float32',
      extras: [],
    },
    geometry: { kind: 'ssm', layers: 2, conv: [TOY_WIDTH, 2], ssm: [TOY_WIDTH, 1] },
  },
  'a merged decoder, whose branches read the past': {
    toy: { layers: [['kv'], ['conv', 'ssm']], type: 'float32', extras: ['use_cache_branch', 'attention_mask'] },
    geometry: {
      kind: 'hybrid',
      perLayer: [
        { kind: 'kv', layer: 0, kvHeads: 1, headDim: TOY_WIDTH },
        { kind: 'ssm', layer: 1, conv: [TOY_WIDTH, 2], ssm: [TOY_WIDTH, 1] },
      ],
    },
  },
  'attention alone': {
    toy: { layers: [['kv'], ['kv']], type: 'float32', extras: ['attention_mask'] },
    geometry: { kind: 'kv', layers: 2, kvHeads: 1, headDim: TOY_WIDTH },
  },
}

describe('exports are driven by the names of their inputs and outputs', () => {
  test.each(Object.entries(HYBRIDS))('%s', async (name, { toy, geometry }) => {
    const folder = join(root, name)
    await writeToyExport(folder, toy)
    const model = await openModel(folder)
    expect(model.geometry).toEqual(geometry)
    expect(model.vocabSize).toBe(TOY_VOCAB)
    expect(await difference(folder, toy)).toBeLessThan(1e-5)
  })

  test('states and logits in float16 are widened', async () => {
    const toy: ToyExport = { layers: [['conv', 'recurrent'], ['kv']], type: 'float16', extras: ['attention_mask'] }
    const folder = join(root, 'half')
    await writeToyExport(folder, toy, 'model_fp16.onnx')
    expect((await openModel(folder)).fingerprint.precision).toBe('float16')
    const found = await difference(folder, toy)
    expect(found).toBeLessThan(2e-2)
    expect(found).toBeGreaterThan(0)
  })

  test('the variant asked for is opened, in onnx/ too; one that is not there is refused with what is', async () => {
    const folder = join(root, 'variants')
    const toy: ToyExport = { layers: [['kv']], type: 'float32', extras: ['attention_mask'] }
    await writeToyExport(folder, toy)
    await mkdir(join(folder, 'onnx'))
    await rename(join(folder, 'model.onnx'), join(folder, 'onnx', 'model.onnx'))
    await cp(join(folder, 'onnx', 'model.onnx'), join(folder, 'onnx', 'model_q4.onnx'))
    expect((await openModel(folder)).fingerprint.precision).toBe('float32')
    expect((await openModel(folder, { precision: 'int4' })).fingerprint.precision).toBe('int4')
    await expect(openModel(folder, { precision: 'int8' })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      message: /float32, int4/,
    })
  })

  test('components are bound to the whole file, and say why', async () => {
    const model = await openModel(resolve('test/golden/onnx/gpt2'))
    expect(model.components.embeddings).toMatchObject({
      digest: model.fingerprint.weightsDigest,
      reason: expect.stringMatching(/whole file/),
    })
    expect(model.parameters).toBeGreaterThan(100_000)
  })
})

describe('weights beside the graph', () => {
  test('a hub snapshot links to other names: it opens, and answers as the folder it came from', async () => {
    const source = resolve('test/golden/onnx/genai-llama-fp32')
    const repository = join(root, 'models--acme--exported')
    const snapshot = join(repository, 'snapshots', 'abc')
    await mkdir(join(repository, 'blobs'), { recursive: true })
    await mkdir(snapshot, { recursive: true })
    for (const [index, file] of [
      'config.json',
      'model.onnx',
      'model.onnx.data',
      'tokenizer.json',
      'tokenizer_config.json',
    ].entries()) {
      await cp(join(source, file), join(repository, 'blobs', `blob-${index}`))
      await symlink(join('..', '..', 'blobs', `blob-${index}`), join(snapshot, file))
    }
    const golden = await readGoldenTensors(join(source, 'golden.safetensors'))
    const model = await openModel(snapshot)
    expect(model.fingerprint.weightsDigest).toBe((await openModel(source)).fingerprint.weightsDigest)
    const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
    const logits = await runtime.newSession().append(golden.get('tokens')?.data ?? [], { logits: 'all' })
    await runtime.dispose()
    expect(maxAbsDiff(logits, golden.get('logits_onnxruntime')?.data ?? [])).toBeLessThan(1e-5)
  })

  test('a missing or truncated weights file is refused by name', async () => {
    const folder = join(root, 'truncated')
    await cp(resolve('test/golden/onnx/genai-llama-int4'), folder, { recursive: true })
    const data = join(folder, 'model.onnx.data')
    await truncate(data, 1000)
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'E_MODEL_WEIGHTS',
      message: /model\.onnx\.data.*truncated/,
    })
    await rm(data)
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'E_MODEL_WEIGHTS',
      message: /model\.onnx\.data is missing/,
    })
  })

  test('a graph cut or changed anywhere is refused, or opens as another model: never a crash, never the same fingerprint', async () => {
    const folder = join(root, 'damaged')
    await writeToyExport(folder, { layers: [['kv'], ['conv', 'ssm']], type: 'float32', extras: ['attention_mask'] })
    const path = join(folder, 'model.onnx')
    const whole = await readFile(path)
    const { weightsDigest } = (await openModel(folder)).fingerprint
    const outcome = async (bytes: Uint8Array) => {
      await writeFile(path, bytes)
      return openModel(folder).then(
        model => model.fingerprint.weightsDigest,
        (error: unknown) => (error instanceof StatePackError ? error.code : String(error)),
      )
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        expect(await outcome(whole.subarray(0, at))).toMatch(/^(sha256:|E_MODEL_WEIGHTS$|E_NOT_SUPPORTED$)/)
        const changed = Buffer.from(whole)
        changed[at] = (changed[at] ?? 0) ^ flip
        const found = await outcome(changed)
        expect(found).toMatch(/^(sha256:|E_MODEL_WEIGHTS$|E_NOT_SUPPORTED$)/)
        expect(found).not.toBe(weightsDigest)
      }),
      { numRuns: RUNS },
    )
  })
})
