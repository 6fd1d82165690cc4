import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { measurePrecisionEffect } from '#engine/inference/precisionEffect.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import { describeModel, openModel } from '#engine/models/sources/openModel.ts'

const MODEL = 'test/golden/gguf/gguf-llama-q4_1'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function answer(): Promise<Float32Array> {
  const runtime = await openRuntime(await openModel(MODEL, { convertedFolder: folder }), { device: 'cpu', threads: 2 })
  using session = runtime.newSession()
  const logits = await session.append([5, 6, 7])
  await runtime.dispose()
  return logits
}
const packed = () => join(folder, 'statepack-packed.safetensors')

describe('a quantised GGUF model', () => {
  it('is described and identified without laying anything out', async () => {
    expect(await describeModel(MODEL)).toMatchObject({ quantisedTypes: ['Q8_0', 'Q4_1', 'Q5_1'], precision: 'float32' })
    await openModel(MODEL, { convertedFolder: folder })
    expect(await readdir(folder)).toEqual([])
  })

  it('is laid out once, when it is loaded, whoever loads it at the same time', async () => {
    const [one, two] = await Promise.all([answer(), answer()])
    expect(two).toEqual(one)
    const { mtimeMs, ino } = await stat(packed())
    expect(await answer()).toEqual(one)
    expect(await stat(packed())).toMatchObject({ mtimeMs, ino })
    expect((await readdir(folder)).sort()).toEqual(['statepack-packed.safetensors', 'statepack-packed.sha256'])
  })

  it('is laid out again when that file was damaged', async () => {
    const right = await answer()
    {
      await using file = await open(packed(), 'r+')
      const { size } = await file.stat()
      await file.write(Buffer.alloc(4096, 0x55), 0, 4096, size - 40_000)
    }
    expect(await answer()).toEqual(right)
  })

  it('stops when it is cancelled, and leaves nothing', async () => {
    const model = await openModel(MODEL, { convertedFolder: folder })
    const opening = openRuntime(model, { device: 'cpu', signal: AbortSignal.abort() })
    await expect(opening).rejects.toMatchObject({ code: 'E_CANCELLED' })
    expect(await readdir(folder)).toEqual([])
  })

  // Codes made anew are 2e-2 to 3e-2 away.
  it.each(['gguf-llama-q4_0', 'gguf-llama-q4_1', 'gguf-llama-q4_k'])(
    '%s keeps its 4-bit codes in int4, so that only activations are rounded',
    async name => {
      const open = (precision: 'float32' | 'int8' | 'int4') =>
        openModel(join('test/golden/gguf', name), { precision, convertedFolder: folder })
      const [eight, four] = [await open('int8'), await open('int4')]
      expect(four.loadedBytes).toBeLessThan(eight.loadedBytes)
      const exact = await openRuntime(await open('float32'), { device: 'cpu', threads: 2 })
      const rounded = await openRuntime(four, { device: 'cpu', threads: 2 })
      const tokens = Array.from({ length: 60 }, (_, i) => (i * 37 + 11) % 800)
      expect((await measurePrecisionEffect(exact, rounded, { tokens })).meanKl).toBeLessThan(2e-3)
      await exact.dispose()
      await rounded.dispose()
    },
  )

  it('runs in other precisions like any checkpoint', async () => {
    const exact = await answer()
    for (const [precision, limit] of [
      ['float16', 0.05],
      ['int8', 0.5],
    ] as const) {
      const model = await openModel(MODEL, { precision, convertedFolder: folder })
      const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
      using session = runtime.newSession()
      const logits = await session.append([5, 6, 7])
      const largest = Math.max(...logits.map((value, id) => Math.abs(value - (exact[id] ?? 0))))
      expect(largest).toBeGreaterThan(0)
      expect(largest).toBeLessThan(limit)
      await runtime.dispose()
    }
  })
})
