/** The main job on ONNX exports: create, merge, recompute, prove, answer, all through the engine people use. */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openState } from '#engine/packets/openState.ts'
import { openTestEngine, type TestEngine } from '../../testEngine.ts'

const MODELS = ['gpt2', 'llama', 'qwen2', 'genai-llama-fp32', 'genai-llama-int4', 'genai-qwen3-fp32']
const [BASE, DELTA] = ['The cellar door opens with 71. ', 'The attic has no door.']

let folder = ''
let engine: TestEngine
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-packets-'))
  const models = join(folder, 'exports')
  await mkdir(models)
  for (const model of MODELS) await cp(resolve('test/golden/onnx', model), join(models, model), { recursive: true })
  engine = await openTestEngine({ modelFolders: [models], threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(MODELS)('the export %s', model => {
  test('creates, merges without reading the base again, recomputes and answers', async () => {
    const { client } = engine
    const base = await client.call('packets.create', {
      model,
      sources: [{ name: 'base', text: BASE }],
      dtype: 'float32',
    })
    const merged = await client.call('packets.merge', { ref: base.cartridge.packetId, delta: DELTA })
    const whole = await client.call('packets.create', {
      model,
      sources: [{ name: 'whole', text: BASE + DELTA }],
      dtype: 'float32',
    })
    expect(merged.cartridge.contextId).toBe(whole.cartridge.contextId)
    expect(merged.tokensProcessed).toBeLessThan(merged.cartridge.tokens)

    const verified = await client.call('packets.verify', { ref: merged.cartridge.packetId, level: 'recomputed' })
    expect(verified).toMatchObject({ ok: true, level: 'recomputed' })

    const state = await openState(engine.engine.state, merged.cartridge.packetId)
    for (const id of ['embeddings', 'norms', 'mixers']) {
      expect(state.packet?.config.components.find(component => component.id === id)).toMatchObject({
        status: 'bound',
        reason: expect.stringMatching(/whole file/),
      })
    }

    const ask = () =>
      client.call('packets.infer', { ref: merged.cartridge.packetId, delta: ' The cellar', maxNewTokens: 8 })
    const [first, again] = [await ask(), await ask()]
    expect(again.outputTokenIds).toEqual(first.outputTokenIds)
    const proof = await client.call('packets.prove', {
      ref: merged.cartridge.packetId,
      delta: ' The cellar',
      outputTokenIds: first.outputTokenIds,
    })
    expect(proof).toMatchObject({ sameOutput: true })
    expect(proof.maxAbsDiff).toBeLessThan(model.endsWith('int4') ? 2e-2 : 2e-4)
  })
})
