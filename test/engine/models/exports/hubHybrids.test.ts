import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { maxAbsDiff } from '../../../model/goldenTensors.ts'
import { type HubHybrid, HYBRID, hubHybridGraph, hubHybridLogits } from '../../../model/hubHybrid.ts'
import { openTestEngine, type TestEngine } from '../../testEngine.ts'

const VOCAB = 900
const RUNS = process.env.DEEP ? 200 : 8
const LIMIT = 2e-4

const MODELS: Readonly<Record<string, HubHybrid['layers']>> = {
  lfm2: [['conv'], ['conv'], ['attention'], ['conv']],
  'lfm2-fused': [['conv'], ['fused-attention'], ['conv']],
  granite4: [['conv', 'ssm'], ['attention'], ['conv', 'ssm']],
  'falcon-h1': [
    ['conv', 'ssm', 'fused-attention'],
    ['conv', 'ssm', 'fused-attention'],
  ],
  'qwen3.5': [['conv', 'recurrent'], ['conv', 'recurrent'], ['attention']],
}
const NAMES = Object.keys(MODELS)
/** Layers of two shapes, none of which keeps keys and values. */
const RECURRENT = 'recurrent-only'
const ALL: typeof MODELS = { ...MODELS, [RECURRENT]: [['conv'], ['conv', 'ssm']] }
const hybrid = (name: string): HubHybrid => ({ layers: ALL[name] ?? [], vocab: VOCAB })

let root = ''
let engine: TestEngine
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hub-hybrids-'))
  const tokenizer = resolve('test/golden/onnx/gpt2')
  for (const name of Object.keys(ALL)) {
    const folder = join(root, 'models', name)
    await mkdir(join(folder, 'onnx'), { recursive: true })
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) await cp(join(tokenizer, file), join(folder, file))
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: name, vocab_size: VOCAB }))
    await writeFile(join(folder, 'onnx', 'model.onnx'), hubHybridGraph(hybrid(name)))
  }
  engine = await openTestEngine({ modelFolders: [join(root, 'models')], threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await rm(root, { recursive: true, force: true })
})

describe.each(NAMES)('a hybrid exported like %s', name => {
  test('has the state its inputs declare', async () => {
    const { geometry, kind } = await openModel(join(root, 'models', name))
    expect(kind).toBe('hybrid')
    const shapes = geometry.kind === 'hybrid' ? geometry.perLayer : []
    const parts = hybrid(name).layers.flat()
    const kv = shapes.filter(shape => shape.kind === 'kv')
    const ssm = shapes.filter(shape => shape.kind === 'ssm')
    expect(kv).toHaveLength(parts.filter(part => part.endsWith('attention')).length)
    expect(ssm).toHaveLength(parts.filter(part => part === 'conv').length)
    for (const shape of kv) expect(shape).toMatchObject({ kvHeads: HYBRID.kvHeads, headDim: HYBRID.headDim })
    for (const shape of ssm) {
      expect(shape.conv).toEqual([HYBRID.width, HYBRID.kernel])
      expect(shape.ssm).toEqual(name.startsWith('lfm2') ? [1] : [HYBRID.heads, HYBRID.headDim, HYBRID.state])
    }
  })

  test('answers as the formulas do, in any pieces, captured, restored and forked on the way', async () => {
    const runtime = await openRuntime(await openModel(join(root, 'models', name)), { device: 'cpu', threads: 1 })
    expect(runtime.chunkTokens).toBe(128)
    try {
      const pieces = fc.array(fc.array(fc.nat(VOCAB - 1), { minLength: 1, maxLength: 40 }), {
        minLength: 1,
        maxLength: 6,
      })
      await fc.assert(
        fc.asyncProperty(pieces, async texts => {
          const expected = hubHybridLogits(hybrid(name), texts.flat()).flat()
          const found: number[] = []
          let session = runtime.newSession()
          for (const [index, text] of texts.entries()) {
            found.push(...(await session.append(text, { logits: 'all' })))
            const next = index % 2 === 0 ? await runtime.restore(await session.capture()) : await session.fork()
            await session.append([1, 2]) // whoever goes on elsewhere is not noticed
            session.dispose()
            session = next
          }
          session.dispose()
          expect(maxAbsDiff(found, expected)).toBeLessThan(LIMIT)
        }),
        { numRuns: RUNS },
      )
    } finally {
      await runtime.dispose()
    }
  })

  test('needs every part of its state: one forgotten layer is another answer', async () => {
    const runtime = await openRuntime(await openModel(join(root, 'models', name)), { device: 'cpu', threads: 1 })
    const before = runtime.newSession()
    await before.append([5, 6, 7, 8, 9])
    const state = await before.capture()
    const read = async (snapshot: typeof state) => (await runtime.restore(snapshot)).append([10, 11])
    const expected = await read(state)
    for (const forgotten of state.recurrent) {
      const recurrent = state.recurrent.map(layer =>
        layer === forgotten ? { ...layer, conv: new Float32Array(layer.conv.length) } : layer,
      )
      expect(maxAbsDiff(await read({ ...state, recurrent }), expected)).toBeGreaterThan(LIMIT)
    }
    await runtime.dispose()
  })

  test('does the main job: stored, merged, recomputed, answered from, proven', async () => {
    const { client } = engine
    const base = await client.call('packets.create', {
      model: name,
      sources: [{ name: 'a', text: 'The door is red. ' }],
    })
    const merged = await client.call('packets.merge', { ref: base.cartridge.packetId, delta: 'The key is under it.' })
    const ref = merged.cartridge.packetId
    expect(await client.call('packets.verify', { ref, level: 'recomputed' })).toMatchObject({ level: 'recomputed' })
    const { outputTokenIds } = await client.call('packets.infer', { ref, delta: ' The key', maxNewTokens: 6 })
    const proof = await client.call('packets.prove', { ref, delta: ' The key', outputTokenIds })
    expect(proof.sameTopToken).toBe(true)
  })
})

test('layers of several shapes without keys and values are stored, merged and recomputed, too', async () => {
  const { client } = engine
  const sources = [{ name: 'a', text: 'The door is red. ' }]
  const base = await client.call('packets.create', { model: RECURRENT, sources })
  const merged = await client.call('packets.merge', { ref: base.cartridge.packetId, delta: 'The key is under it.' })
  const ref = merged.cartridge.packetId
  expect(await client.call('packets.verify', { ref, level: 'recomputed' })).toMatchObject({ level: 'recomputed' })
})
