import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateTogether } from '#engine/inference/batch.ts'
import { compareLogits, compareStates } from '#engine/inference/compareStates.ts'
import { generate } from '#engine/inference/generate.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

const random = seeded(31)
const vocab = 2048
const TOLERANCE = 1e-4

describe.each(STARTERS)('a batch of %s', folder => {
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
  })
  afterAll(() => runtime.dispose())

  async function contexts(lengths: number[]): Promise<{ state: StateSnapshot; logits: Float32Array }[]> {
    const found = []
    for (const length of lengths) {
      using session = runtime.newSession()
      const logits = await session.append(random.tokens(length, vocab))
      found.push({ state: await session.capture(), logits })
    }
    return found
  }

  it('reads deltas of different lengths like sessions of their own', async () => {
    const bases = await contexts([70, 3, 255, 128])
    const deltas = [5, 0, 12, 1].map(length => random.tokens(length, vocab))
    using batch = runtime.openBatch(bases.map(({ state }) => state))
    const after = await batch.append(deltas)
    for (const [row, { state }] of bases.entries()) {
      const delta = deltas[row] ?? new Int32Array(0)
      using session = await runtime.restore(state)
      const expected = await session.append(delta)
      const found = after[row]
      if (delta.length === 0) expect(found).toBeNull()
      else if (found !== null && found !== undefined)
        expect(compareLogits(expected, found).maxAbsDiff).toBeLessThan(TOLERANCE)
      expect([batch.positions[row], batch.processed[row]]).toEqual([session.position, delta.length])
      const differences = compareStates(await session.capture(), batch.capture(row))
      expect(Math.max(...differences.map(({ maxAbsDiff }) => maxAbsDiff))).toBeLessThan(TOLERANCE)
      // A row that only waited is untouched, bit for bit.
      if (delta.length === 0) expect(digestState(batch.capture(row))).toBe(digestState(state))
    }
  })

  it('generates in all rows at once what each would alone', async () => {
    const bases = await contexts([40, 90, 7])
    const counts = [9, 4, 12]
    const request = (row: number) => ({ maxNewTokens: counts[row] ?? 0, traceTopK: row })
    using batch = runtime.openBatch(bases.map(({ state }) => state))
    const together = await generateTogether(
      batch,
      bases.map(({ logits }, row) => ({ logits, options: request(row) })),
    )
    for (const [row, { state, logits }] of bases.entries()) {
      using session = await runtime.restore(state)
      const alone = await generate(session, logits, request(row))
      const { ids, finishReason, fed, traces } = together[row] ?? alone
      expect({ ids, finishReason, fed, traces: traces.length }).toEqual({
        ids: alone.ids,
        finishReason: alone.finishReason,
        fed: alone.fed,
        traces: alone.traces.length,
      })
      expect(batch.processed[row]).toBe(alone.fed)
    }
  })

  it('continues as a session from where a row stands', async () => {
    const bases = await contexts([66, 10])
    using batch = runtime.openBatch(bases.map(({ state }) => state))
    await batch.append([random.tokens(3, vocab), random.tokens(6, vocab)])
    using session = await runtime.restore(batch.capture(1))
    expect(session.position).toBe(16)
    expect((await session.append([1])).every(Number.isFinite)).toBe(true)
  })

  it('refuses what does not fit', async () => {
    const [base] = await contexts([5])
    if (base === undefined) throw new Error('a context')
    expect(() => runtime.openBatch([])).toThrow(expect.objectContaining({ code: 'E_BAD_INPUT' }))
    using batch = runtime.openBatch([base.state, base.state])
    await expect(batch.step([1])).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    await expect(batch.step([1, vocab])).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    expect(await batch.step([null, null])).toEqual([null, null])
    expect(batch.positions).toEqual([5, 5])
  })
})

it('grows its buffers, and lets a full row wait unharmed', async () => {
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2 })
  const read = async (length: number) => {
    using session = runtime.newSession()
    await session.append(random.tokens(length, vocab), { logits: 'none' })
    return await session.capture()
  }
  const small = await read(254)
  using growing = runtime.openBatch([small, small])
  const tokens = random.tokens(6, vocab)
  const after = await growing.append([tokens, tokens])
  using session = await runtime.restore(small)
  expect(compareLogits(await session.append(tokens), after[1] ?? new Float32Array(0)).maxAbsDiff).toBeLessThan(
    TOLERANCE,
  )

  const nearlyFull = await read(2044)
  const last = random.tokens(4, vocab)
  using batch = runtime.openBatch([nearlyFull, small])
  await batch.append([last, random.tokens(7, vocab)])
  await expect(batch.step([1, 1])).rejects.toMatchObject({ code: 'E_CONTEXT_LENGTH', details: { row: 0 } })
  using full = await runtime.restore(nearlyFull)
  await full.append(last)
  const differences = compareStates(await full.capture(), batch.capture(0))
  expect(Math.max(...differences.map(({ maxAbsDiff }) => maxAbsDiff))).toBeLessThan(TOLERANCE)
  await runtime.dispose()
})
