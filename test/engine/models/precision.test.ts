import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measurePrecisionEffect } from '#engine/inference/precisionEffect.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { BLOCK, quantiseRows } from '#engine/models/compile/quantise.ts'
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

/** What MatMulNBits makes of codes and scales, written from its documentation. */
function dequantise(
  { codes, scales }: { codes: Uint8Array; scales: Float32Array },
  inputs: number,
  bits: 4 | 8,
): number[] {
  const perRow = Math.ceil(inputs / BLOCK)
  const rows = scales.length / perRow
  const codeAt = (index: number) =>
    bits === 8 ? (codes[index] ?? 0) : ((codes[index >> 1] ?? 0) >> (4 * (index % 2))) & 15
  return Array.from({ length: rows * inputs }, (_, i) => {
    const block = Math.floor(i / inputs) * perRow + Math.floor((i % inputs) / BLOCK)
    return (codeAt(block * BLOCK + ((i % inputs) % BLOCK)) - 2 ** (bits - 1)) * (scales[block] ?? 0)
  })
}

describe('quantised weights', () => {
  test.each([4, 8] as const)('%i bits: every weight comes back within its block’s step', bits => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.float({ min: -9, max: 9, noNaN: true })),
        (inputs, rows, stream) => {
          const values = Float32Array.from(stream.take(rows * inputs))
          const back = dequantise(quantiseRows(values, inputs, bits), inputs, bits)
          for (let row = 0; row < rows; row++) {
            for (let from = 0; from < inputs; from += BLOCK) {
              const [a, b] = [row * inputs + from, row * inputs + Math.min(from + BLOCK, inputs)]
              const largest = Math.max(...values.subarray(a, b).map(Math.abs))
              // 4 bits: half a step of largest/8, or a whole one for values at the far end of the range.
              const step = bits === 8 ? (largest / 127) * 0.5001 : (largest / 8) * 1.0001
              for (let i = a; i < b; i++)
                expect(Math.abs((back[i] ?? Number.NaN) - (values[i] ?? 0))).toBeLessThanOrEqual(step + 1e-30)
            }
          }
        },
      ),
      { numRuns: RUNS },
    )
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

  test.each(['gemma3', 'phi3', 'lfm2', 'falcon-h1', 'granite-hybrid', 'qwen3.5'])(
    '%s, of a newer family, is converted part by part',
    async name => {
      const folder = resolve('test/golden', name)
      const tokens = (await readGoldenTensors(join(folder, 'golden.safetensors'))).get('tokens')?.data ?? []
      const reference = await openRuntime(await openModel(folder), { device: 'cpu', threads: 2 })
      // Random weights feel a rounding more than trained ones: what is held to is that every part is converted rightly.
      let [previous, limit] = [0, 1e-5]
      for (const precision of CONVERTED) {
        const model = await openModel(folder, { precision, convertedFolder: join(root, name) })
        const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
        const effect = await measurePrecisionEffect(reference, runtime, { tokens })
        await runtime.dispose()
        expect(effect.meanKl).toBeLessThan(limit)
        expect(effect.meanKl).toBeGreaterThan(previous)
        ;[previous, limit] = [effect.meanKl, precision === 'float16' ? 0.05 : 0.5]
      }
      await reference.dispose()
    },
  )

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
