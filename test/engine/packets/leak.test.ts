/**
 * What keys and values alone tell of a text, measured. The attacker has the cache layers of a cartridge and the model, neither
 * tokens nor sources. Before the first attention a value depends on its token alone, so the model is shown each token of its
 * vocabulary once, and each stored position is called by the nearest of these: `docs/threat-model.md` states the figures.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { readPacket, readSnapshot, readTokens } from '#engine/packets/packet.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(() => test.close())

/** The values of the first layer at each position, `[kv_heads * head_dim]` each. */
function firstValues({ blocks }: StateSnapshot): Float32Array[] {
  return blocks.flatMap(({ tokens, layers }) => {
    const [first] = layers
    if (first === undefined) return []
    const { kvHeads, headDim, value } = first
    return Array.from({ length: tokens }, (_, at) =>
      Float32Array.from({ length: kvHeads * headDim }, (_, i) => {
        const [head, within] = [Math.floor(i / headDim), i % headDim]
        return value[(head * tokens + at) * headDim + within] ?? 0
      }),
    )
  })
}

function nearest(wanted: Float32Array, known: readonly Float32Array[]): number {
  let [best, least] = [-1, Number.POSITIVE_INFINITY]
  for (const [id, values] of known.entries()) {
    let distance = 0
    for (let i = 0; i < values.length && distance < least; i++) distance += ((values[i] ?? 0) - (wanted[i] ?? 0)) ** 2
    if (distance < least) [best, least] = [id, distance]
  }
  return best
}

it.each(['float32', 'float16', 'int8', 'float8_e4m3'] as const)(
  '%s values give every token of a text away',
  async dtype => {
    const { state } = test.engine
    const model = 'starter-transformer'
    const { runtime, model: opened } = await state.models.load(model)
    using session = runtime.newSession()
    await session.append(Array.from({ length: opened.vocabSize }, (_, id) => id))
    const vocabulary = firstValues(await session.capture())
    expect(vocabulary).toHaveLength(opened.vocabSize)

    const { title, text } = await bundledText('contract')
    const made = await test.client.call('packets.create', { model, sources: [{ name: title, text }], dtype })
    const packet = await readPacket(state.store.blobs, made.cartridge.packetId)
    const told = firstValues(await readSnapshot(state.store.blobs, packet)).map(values => nearest(values, vocabulary))
    const tokens = await readTokens(state.store.blobs, packet)
    const right = told.filter((id, at) => id === tokens[at]).length
    expect([right, told.length]).toEqual([tokens.length, tokens.length])
    expect(opened.tokenizer?.decode(told)).toContain(text.slice(0, 200))
  },
)
