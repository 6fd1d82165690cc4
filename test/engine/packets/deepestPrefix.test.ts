/** Of the states that begin like a text, the one that spares most serves; no other hides it, and what is said of a miss is true. */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPacket } from '#engine/packets/createPacket.ts'
import { deepestPrefix } from '#engine/packets/deepestPrefix.ts'
import { openState } from '#engine/packets/openState.ts'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const facts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `Goat ${from + i} lives in house ${7 * (from + i)}.`).join('\n')

let studio: TestEngine
let number = 0
/** A beginning that no test before has used. */
let start = ''
beforeAll(async () => {
  studio = await openTestEngine()
})
beforeEach(() => {
  start = `Herd ${number++} of the north.`
})
afterAll(() => studio.close())

async function create(
  model: string,
  text: string,
  dtype: StateDtype,
): Promise<{ packetId: Digest; tokens: Int32Array }> {
  const { state } = studio.engine
  const { packetId } = await createPacket(state, { model, dtype, sources: [{ name: 'facts', text }] })
  return { packetId, tokens: (await openState(state, packetId)).tokens }
}

async function search(model: string, tokens: ArrayLike<number>, dtype: StateDtype) {
  const { state } = studio.engine
  const loaded = await state.models.load(model)
  return deepestPrefix(state, loaded, { tokens: Int32Array.from(tokens), dtype })
}

/** These tokens, and then others than any text here has. */
const thenOthers = (tokens: Int32Array) => [...tokens, ...Array.from({ length: 30 }, (_, i) => 3 + i)]

describe('keys and values', () => {
  const model = 'starter-transformer'

  it('a short state in float16 does not hide a longer exact one that shares less than a block', async () => {
    const short = await create(model, start, 'float16')
    const exact = await create(model, `${start} ${facts(12)}`, 'float32')
    const shared = 24
    expect(short.tokens.length).toBeLessThan(64)
    expect(exact.tokens.length).toBeGreaterThan(64)
    const { prefix, miss } = await search(model, thenOthers(exact.tokens.subarray(0, shared)), 'float32')
    expect(prefix).toMatchObject({ packetId: exact.packetId, tokens: shared, isExact: true })
    expect(miss).toMatchObject({ why: 'other-token', packetId: exact.packetId, position: shared })
  })

  it('newer states in float16 do not hide an older exact one, however many', async () => {
    const exact = await create(model, `${start} ${facts(12)}`, 'float32')
    for (let n = 0; n < 17; n++) await create(model, `${start} ${facts(12)} The end, ${n}.`, 'float16')
    const { prefix, miss } = await search(model, thenOthers(exact.tokens), 'float32')
    expect(prefix).toMatchObject({ packetId: exact.packetId, tokens: exact.tokens.length })
    expect(miss).toEqual({ why: 'nothing-alike' })
  })

  it('one of int8 that agrees for longer, but is cut in a block, does not hide one that spares more', async () => {
    const sharp = await create(model, `${start} ${facts(8)}`, 'float32')
    const rounded = await create(model, `${start} ${facts(8)}\n${facts(1, 8)}`, 'int8')
    const most = Math.min(sharp.tokens.length + 2, rounded.tokens.length - 1)
    expect(most % 64).toBeGreaterThan(2)
    const { prefix } = await search(model, thenOthers(rounded.tokens.subarray(0, most)), 'int8')
    expect(prefix).toMatchObject({ packetId: sharp.packetId, tokens: sharp.tokens.length })
  })

  it('what is said of a miss is of the state that would have spared the most more', async () => {
    const whole = await create(model, `${start} ${facts(16)}`, 'float16')
    const { prefix: used } = await search(model, thenOthers(whole.tokens), 'float16')
    expect(used?.packetId).toBe(whole.packetId)
    const exact = await create(model, `${start} ${facts(8)}`, 'float32')
    const { prefix, miss } = await search(model, thenOthers(whole.tokens), 'float32')
    expect(prefix?.packetId).toBe(exact.packetId)
    expect(miss).toEqual({ why: 'other-dtype', packetId: whole.packetId, position: whole.tokens.length })
  })

  it('have a checkpoint at every token, which is a length: the same blocks serve, and nothing more is held for it', async () => {
    const whole = await create(model, `${start} ${facts(16)}`, 'float32')
    const { prefix: all } = await search(model, thenOthers(whole.tokens), 'float32')
    const { warm } = studio.engine.state.live
    const before = warm.bytes
    for (const length of [17, 64, 100, 128, whole.tokens.length - 1]) {
      const { prefix } = await search(model, thenOthers(whole.tokens.subarray(0, length)), 'float32')
      expect(prefix).toMatchObject({ packetId: whole.packetId, tokens: length })
      expect(prefix?.snapshot.blocks.length).toBe(Math.ceil(length / 64))
      for (const [index, block] of prefix?.snapshot.blocks.entries() ?? [])
        expect(block).toBe(all?.snapshot.blocks[index])
    }
    expect(warm.bytes).toBe(before)
  })

  it('a damaged one serves nobody: the next one does', async () => {
    const { engine } = studio
    const less = await create(model, `${start} ${facts(8)}`, 'float32')
    const more = await create(model, `${start} ${facts(16)}`, 'float32')
    const { packet } = await openState(engine.state, more.packetId)
    const [last] = packet?.manifest.layers.filter(({ mediaType }) => mediaType === LAYER_TYPES.kv).reverse() ?? []
    const path = join(studio.folder, 'store', 'blobs', 'sha256', hexOf(last?.digest ?? more.packetId))
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
    await chmod(path, 0o600)
    await writeFile(path, bytes)
    engine.state.live.warm.purge()
    engine.state.live.hot.purge()
    const { prefix } = await search(model, thenOthers(more.tokens), 'float32')
    expect(prefix?.packetId).toBe(less.packetId)
  })
})

describe('a recurrent state', () => {
  const model = 'starter-mamba'

  it('that ends where the text goes on is not hidden by newer ones that have read on', async () => {
    const base = await create(model, `${start} ${facts(12)}`, 'float32')
    for (let n = 0; n < 17; n++) await create(model, `${start} ${facts(12)} The end, ${n}.`, 'float32')
    studio.engine.state.live.warm.purge()
    const { prefix } = await search(model, thenOthers(base.tokens), 'float32')
    expect(prefix).toMatchObject({ packetId: base.packetId, tokens: base.tokens.length })
  })
})
