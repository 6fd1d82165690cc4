/** Cartridges of models with attention and a recurrence, through the engine people use, on the reference's small models. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openState } from '#engine/packets/openState.ts'
import { COMPONENTS } from '#shared/domain/component.ts'
import { writeAsciiTokenizer } from '../../model/asciiTokenizer.ts'
import { exported, openTestEngine, type TestEngine } from '../testEngine.ts'

const MODELS = ['lfm2', 'falcon-h1', 'granite-hybrid', 'qwen3.5']
const [BASE, DELTA] = ['The door of the tower is red. The key is under the stone. ', 'The garden has two doors.']
const DTYPES = ['float32', 'float16', 'int8', 'float8_e4m3'] as const

let root = ''
let here: TestEngine
let there: TestEngine
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hybrid-packets-'))
  for (const name of MODELS) {
    await cp(resolve('test/golden', name), join(root, name), { recursive: true })
    await writeAsciiTokenizer(join(root, name))
  }
  here = await openTestEngine({ modelFolders: [root] })
  there = await openTestEngine({ modelFolders: [root] })
})
afterAll(async () => {
  await here.close()
  await there.close()
  await rm(root, { recursive: true, force: true })
})

const read = async (model: string, text: string, dtype: (typeof DTYPES)[number] = 'float32', engine = here) =>
  (await engine.client.call('packets.create', { model, sources: [{ name: 'text', text }], dtype })).cartridge

describe.each(MODELS)('cartridges of %s', model => {
  test('merge into the context of the whole text, bit for bit, and read only what is new', async () => {
    const base = await read(model, BASE)
    const merged = await here.client.call('packets.merge', { ref: base.packetId, delta: DELTA })
    const whole = await read(model, BASE + DELTA, 'float32', there)
    expect(merged.cartridge.contextId).toBe(whole.contextId)
    expect(merged.tokensProcessed).toBeLessThan(whole.tokens / 2)
    const [a, b] = [
      await openState(here.engine.state, merged.cartridge.packetId),
      await openState(there.engine.state, whole.packetId),
    ]
    const numbers = ({ position, blocks, recurrent }: typeof a.snapshot) => ({ position, blocks, recurrent })
    expect(numbers(a.snapshot)).toEqual(numbers(b.snapshot))
    expect(a.logits).toEqual(b.logits)
    expect(a.snapshot.kind).toBe('hybrid')
    expect(a.snapshot.blocks.length).toBeGreaterThan(0)
    expect(a.snapshot.recurrent.length).toBeGreaterThan(0)
    const verified = await here.client.call('packets.verify', { ref: merged.cartridge.packetId, level: 'recomputed' })
    expect(verified).toMatchObject({ ok: true, level: 'recomputed' })
  })

  test.each(DTYPES)('stored as %s recompute, answer and prove their answers', async dtype => {
    const { packetId: ref } = await read(model, `${dtype}: ${BASE}`, dtype)
    expect(await here.client.call('packets.verify', { ref, level: 'recomputed' })).toMatchObject({
      level: 'recomputed',
    })
    const ask = () => here.client.call('packets.infer', { ref, delta: ' The key', maxNewTokens: 6 })
    const [first, again] = [await ask(), await ask()]
    expect(again.outputTokenIds).toEqual(first.outputTokenIds)
    if (dtype !== 'float32') return
    const proof = await here.client.call('packets.prove', {
      ref,
      delta: ' The key',
      outputTokenIds: first.outputTokenIds,
    })
    expect(proof).toMatchObject({ sameOutput: true, sameTopToken: true })
    expect(proof.maxAbsDiff).toBeLessThan(2e-4)
  })

  test('are looked into: twelve components, and both kinds of state in numbers', async () => {
    const { packetId: ref } = await read(model, BASE)
    const inspected = await here.client.call('packets.inspect', { ref })
    expect(inspected.components.map(({ component }) => component.id)).toEqual(COMPONENTS.map(({ id }) => id))
    expect(inspected.components.every(({ matches }) => matches === true)).toBe(true)
    expect(inspected.components.every(({ component }) => component.status !== 'not-applicable')).toBe(true)
    expect(inspected.norms.at(-1)?.name).toBe('final')
    expect(inspected.mixers).toHaveLength(inspected.norms.length - 1)
    const { snapshot, tokens } = await openState(here.engine.state, ref)
    for (const tensor of ['key', 'value'] as const) {
      const map = await here.client.call('packets.heatmap', { ref, tensor })
      expect([map.rows, map.columns]).toEqual([inspected.kv.reduce((n, { kvHeads }) => n + kvHeads, 0), tokens.length])
      const [{ layer = 0 } = {}] = inspected.kv
      const cell = await here.client.call('packets.tensor', { ref, tensor, layer, head: 1, position: 9 })
      expect(map.values[map.columns + 9]).toBeCloseTo(Math.hypot(...cell.values), 4)
    }
    for (const tensor of ['conv', 'ssm'] as const) {
      const map = await here.client.call('packets.heatmap', { ref, tensor })
      expect(map.rows).toBe(inspected.ssm.length)
      const last = snapshot.recurrent.at(-1)
      const cell = await here.client.call('packets.tensor', { ref, tensor, layer: last?.layer ?? 0, head: 0 })
      expect(map.values[(map.rows - 1) * map.columns]).toBeCloseTo(Math.hypot(...cell.values), 4)
    }
  })

  test('go to another machine and back into trust by being recomputed', async () => {
    const { packetId } = await read(model, BASE)
    const bytes = await exported(here.client, { ref: packetId })
    const { cartridge } = await there.client.call('packets.import', {}, { upload: [new Uint8Array(bytes)] })
    expect(cartridge.packetId).toBe(packetId)
    expect(await there.client.call('packets.verify', { ref: packetId, level: 'recomputed' })).toMatchObject({
      ok: true,
    })
  })

  test('compose and compact; mixing is refused, and why', async () => {
    const [a, b] = [await read(model, BASE), await read(model, DELTA)]
    const { cartridge } = await here.client.call('remix.compose', { refs: [a.packetId, b.packetId] })
    const merged = await here.client.call('packets.merge', { ref: cartridge.packetId, delta: ' More.' })
    const compacted = await here.client.call('packets.compact', { ref: merged.cartridge.packetId })
    expect(compacted.created.cartridge.contextId).toBe(merged.cartridge.contextId)
    const parents = [a, b].map(({ packetId }) => ({ ref: packetId, weight: 0.5 }))
    await expect(here.client.call('remix.mix', { parents })).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
      message: expect.stringMatching(/attention layers.*positions.*merge/),
      details: { kind: 'hybrid', instead: 'merge' },
    })
  })
})
