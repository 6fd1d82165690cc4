import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measurePrecisionEffect } from '#engine/inference/precisionEffect.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { BLOCKS, quantiseRows } from '#engine/models/compile/quantise.ts'
import type { Precision } from '#engine/models/model.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { readGoldenTensors } from '../../model/goldenTensors.ts'
import { readSafetensorsFile, writeSafetensorsFile } from '../../model/safetensorsFile.ts'

const RUNS = process.env.DEEP ? 5000 : 200
const CONVERTED = ['float16', 'int8', 'int4'] as const
let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'precision-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** What MatMulNBits makes of codes, scales and zero points, written from its documentation. */
function dequantise(
  { codes, scales, zeros }: { codes: Uint8Array; scales: Float32Array; zeros: Uint8Array | null },
  inputs: number,
  bits: 4 | 8,
): number[] {
  const size = BLOCKS[bits]
  const perRow = Math.ceil(inputs / size)
  const rows = scales.length / perRow
  const codeAt = (index: number) =>
    bits === 8 ? (codes[index] ?? 0) : ((codes[index >> 1] ?? 0) >> (4 * (index % 2))) & 15
  return Array.from({ length: rows * inputs }, (_, i) => {
    const block = Math.floor(i / inputs) * perRow + Math.floor((i % inputs) / size)
    const [row, within] = [Math.floor(block / perRow), block % perRow]
    const pair = zeros?.[row * Math.ceil(perRow / 2) + (within >> 1)] ?? 0
    const zero = zeros === null ? 2 ** (bits - 1) : (pair >> (4 * (within % 2))) & 15
    return (codeAt(block * size + ((i % inputs) % size)) - zero) * (scales[block] ?? 0)
  })
}

describe('quantised weights', () => {
  const trial = (check: (values: Float32Array, inputs: number) => void) =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.float({ min: -9, max: 9, noNaN: true })),
        (inputs, rows, stream) => check(Float32Array.from(stream.take(rows * inputs)), inputs),
      ),
      { numRuns: RUNS },
    )

  /** The bounds of every block in `[rows, inputs]`. */
  function* blocksOf(values: Float32Array, inputs: number, size: number) {
    for (let row = 0; row < values.length / inputs; row++) {
      for (let from = 0; from < inputs; from += size) {
        yield [row * inputs + from, row * inputs + Math.min(from + size, inputs)] as const
      }
    }
  }

  test('8 bits: every weight comes back within half of its block’s step', () => {
    trial((values, inputs) => {
      const back = dequantise(quantiseRows(values, inputs, 8), inputs, 8)
      for (const [a, b] of blocksOf(values, inputs, BLOCKS[8])) {
        const step = Math.max(...values.subarray(a, b).map(Math.abs)) / 127
        for (let i = a; i < b; i++)
          expect(Math.abs((back[i] ?? Number.NaN) - (values[i] ?? 0))).toBeLessThanOrEqual(step * 0.5001 + 1e-30)
      }
    })
  })

  test('4 bits: a block is no further from its weights than on an even grid over its range', () => {
    trial((values, inputs) => {
      const back = dequantise(quantiseRows(values, inputs, 4), inputs, 4)
      for (const [a, b] of blocksOf(values, inputs, BLOCKS[4])) {
        const block = [...values.subarray(a, b)]
        const [low, high] = [Math.min(0, ...block), Math.max(0, ...block)]
        const step = (high - low) / 15 || 1
        const zero = Math.round(-low / step)
        const even = block.map(value => (Math.min(Math.max(Math.round(value / step) + zero, 0), 15) - zero) * step)
        const distance = (to: readonly number[]) =>
          to.reduce((sum, value, i) => sum + (value - (block[i] ?? Number.NaN)) ** 2, 0)
        expect(distance(back.slice(a, b))).toBeLessThanOrEqual(distance(even) * 1.00001 + 1e-12)
      }
    })
  })

  test('4 bits: weights that lie on such a grid come back as they were', () => {
    const grid = Float32Array.from({ length: 2 * BLOCKS[4] }, (_, i) => (((i * 7) % 16) - 5) * 0.25)
    expect(dequantise(quantiseRows(grid, BLOCKS[4], 4), BLOCKS[4], 4)).toEqual([...grid])
  })
})

describe('a model in another precision', () => {
  const limits = { float16: { kl: 1e-5, top1: 0.99 }, int8: { kl: 5e-3, top1: 0.95 }, int4: { kl: 0.2, top1: 0.7 } }

  test.each(['assets/models/starter-transformer', 'assets/models/starter-mamba'])(
    '%s answers nearly the same, and how nearly is measured',
    async folder => {
      const golden = await readGoldenTensors(resolve(folder, 'golden.safetensors'))
      const tokens = (golden.get('tokens')?.data ?? []).slice(0, 110)
      const reference = await openRuntime(await openModel(resolve(folder)), { device: 'cpu', threads: 2 })
      const itself = await measurePrecisionEffect(reference, reference, { tokens })
      expect(itself).toMatchObject({ tokens: 110, meanKl: 0, top1Agreement: 1, maxLogitDifference: 0 })
      let previous = 0
      for (const precision of CONVERTED) {
        const model = await openModel(resolve(folder), { precision, convertedFolder: root })
        const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
        const effect = await measurePrecisionEffect(reference, runtime, { tokens })
        await runtime.dispose()
        expect(effect.meanKl).toBeLessThan(limits[precision].kl)
        expect(effect.meanKl).toBeGreaterThan(previous) // each is coarser than the one before, and none is the original
        expect(effect.top1Agreement).toBeGreaterThan(limits[precision].top1)
        previous = effect.meanKl
      }
      await reference.dispose()
    },
  )

  test.each(CONVERTED)('in %s, too, how a text was cut changes no bit', async precision => {
    const model = await openModel(resolve('assets/models/starter-transformer'), { precision, convertedFolder: root })
    const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    const tokens = Int32Array.from({ length: 100 }, (_, at) => (at * 7919 + 11) % model.vocabSize)
    using whole = runtime.newSession()
    const logits = await whole.append(tokens, { logits: 'all' })
    for (const piece of [1, 2, 7]) {
      using cut = runtime.newSession()
      for (let at = 0; at < tokens.length; at += piece) {
        const rows = await cut.append(tokens.subarray(at, at + piece), { logits: 'all' })
        expect(rows.findIndex((value, i) => value !== logits[at * model.vocabSize + i])).toBe(-1)
      }
    }
    await runtime.dispose()
  })

  const layouts = ['gemma3', 'phi3', 'lfm2', 'falcon-h1', 'granite-hybrid', 'qwen3.5', 'gguf/layout-qwen3.5']
  test.each(layouts)('%s, of a newer family, is converted part by part', async name => {
    const folder = resolve('test/golden', name)
    const reference = join(resolve('test/golden'), name.replace('gguf/layout-', ''), 'golden.safetensors')
    const tokens = (await readGoldenTensors(reference)).get('tokens')?.data ?? []
    const exact = await openRuntime(await openModel(folder), { device: 'cpu', threads: 2 })
    // Random weights feel a rounding more than trained ones: what is held to is that every part is converted rightly.
    let [previous, limit] = [0, 1e-5]
    for (const precision of CONVERTED) {
      const model = await openModel(folder, { precision, convertedFolder: join(root, name) })
      const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
      const effect = await measurePrecisionEffect(exact, runtime, { tokens })
      await runtime.dispose()
      expect(effect.meanKl).toBeLessThan(limit)
      expect(effect.meanKl).toBeGreaterThan(previous)
      ;[previous, limit] = [effect.meanKl, precision === 'float16' ? 0.05 : 0.5]
    }
    await exact.dispose()
  })

  async function copyOf(name: string): Promise<string> {
    const folder = await mkdtemp(join(root, `${name}-`))
    await cp(resolve('test/golden', name), folder, { recursive: true })
    return folder
  }

  test('is converted once, with progress, and again only when its source changes', async () => {
    const folder = await copyOf('llama-bfloat16')
    const steps: number[] = []
    const open = () =>
      openModel(folder, { precision: 'int8', onConvert: ({ done, total }) => steps.push(done / total) })
    const first = await open()
    expect(steps.at(-1)).toBe(1)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    const file = join(folder, 'statepack-int8.safetensors')
    const bytes = await readFile(file)
    const { mtimeMs } = await stat(file)
    steps.length = 0
    expect((await open()).fingerprint).toEqual(first.fingerprint)
    expect(steps).toEqual([])
    expect((await stat(file)).mtimeMs).toBe(mtimeMs)

    const source = join(folder, 'model.safetensors')
    const tensors = await readSafetensorsFile(source)
    const changed = tensors.find(({ name }) => name.endsWith('layers.1.mlp.up_proj.weight'))
    if (changed?.bytes[1] === undefined) throw new Error('no such tensor')
    changed.bytes[1] ^= 0x80
    await writeSafetensorsFile(source, tensors)
    expect((await open()).fingerprint.weightsDigest).not.toBe(first.fingerprint.weightsDigest)
    expect(steps.at(-1)).toBe(1)
    expect((await readFile(file)).equals(bytes)).toBe(false)
  })

  test('gives the same bytes every time, and a fingerprint of its own', async () => {
    const folders = [await copyOf('gpt2'), await copyOf('gpt2')]
    const digests = new Set<string>()
    for (const precision of ['float32', ...CONVERTED] satisfies Precision[]) {
      const models = await Promise.all(folders.map(folder => openModel(folder, { precision, name: 'gpt2' })))
      expect(models[0]?.fingerprint).toEqual(models[1]?.fingerprint)
      expect(models[0]?.fingerprint.precision).toBe(precision)
      digests.add(models[0]?.fingerprint.weightsDigest ?? '')
    }
    expect(digests.size).toBe(4)
    const files = await Promise.all(folders.map(folder => readFile(join(folder, 'statepack-int4.safetensors'))))
    expect(files[0]?.equals(files[1] ?? Buffer.alloc(0))).toBe(true)
  })

  test('a cancelled or damaged conversion leaves nothing that could be taken for weights', async () => {
    const folder = await copyOf('qwen2')
    const before = await readdir(folder)
    const controller = new AbortController()
    const opening = openModel(folder, {
      precision: 'int4',
      signal: controller.signal,
      onConvert: () => controller.abort(),
    })
    await expect(opening).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect(await readdir(folder)).toEqual(before)

    const { fingerprint } = await openModel(folder, { precision: 'int4' })
    const file = join(folder, 'statepack-int4.safetensors')
    const whole = await readFile(file)
    await rm(file)
    await writeSafetensorsFile(file, (await readSafetensorsFile(join(folder, 'model.safetensors'))).slice(2))
    expect((await openModel(folder, { precision: 'int4' })).fingerprint).toEqual(fingerprint)
    expect((await readFile(file)).equals(whole)).toBe(true)
  })
})

test('GPT-2 from GGUF, whose matrices lie the other way round, is converted to the numbers of its folder', async () => {
  const logitsOf = async (path: string, precision: Precision) => {
    const convertedFolder = await mkdtemp(join(root, 'from-'))
    const model = await openModel(resolve('test/golden', path), { precision, convertedFolder })
    const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
    using session = runtime.newSession()
    const logits = [...(await session.append([1, 2, 3, 4, 5, 6, 7, 8]))]
    await runtime.dispose()
    return logits
  }
  for (const precision of CONVERTED)
    expect(await logitsOf('gguf/layout-gpt2', precision)).toEqual(await logitsOf('gpt2', precision))
})

test('a float16 checkpoint in float16 is not copied, and computes what it computes as it is', async () => {
  const folder = resolve('test/golden/llama-float16-sharded')
  const convertedFolder = await mkdtemp(join(root, 'half-'))
  const models = [await openModel(folder), await openModel(folder, { precision: 'float16', convertedFolder })]
  expect(await readdir(convertedFolder)).toEqual([])
  const logits: number[][] = []
  for (const model of models) {
    const runtime = await openRuntime(model, { device: 'cpu', threads: 1 })
    const session = runtime.newSession()
    logits.push([...(await session.append([1, 2, 3, 4]))])
    session.dispose()
    await runtime.dispose()
  }
  expect(logits[1]).toEqual(logits[0])
  expect(models[1]?.fingerprint.precision).toBe('float16')
  expect(models[1]?.fingerprint.weightsDigest).not.toBe(models[0]?.fingerprint.weightsDigest)
})
