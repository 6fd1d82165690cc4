import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GeneratedToken, generate } from '#engine/inference/generate.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import { digestLogits, digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

const vocab = 2048
const random = seeded(17)

describe.each(STARTERS)('generation with %s', folder => {
  let runtime: Runtime
  const prompt = random.tokens(50, vocab)
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
  })
  afterAll(() => runtime.dispose())

  async function start(): Promise<{ session: Session; logits: Float32Array }> {
    const session = runtime.newSession()
    return { session, logits: await session.append(prompt) }
  }

  /** Greedy the slow way: read everything again for each token. */
  async function greedyByRereading(count: number): Promise<number[]> {
    const ids: number[] = []
    while (ids.length < count) {
      using session = runtime.newSession()
      const row = await session.append([...prompt, ...ids])
      ids.push(row.indexOf(Math.max(...row)))
    }
    return ids
  }

  it('is greedy by default, and equals reading everything again for every token', async () => {
    const { session, logits } = await start()
    const { ids, finishReason } = await generate(session, logits, { maxNewTokens: 8 })
    expect([...ids]).toEqual(await greedyByRereading(8))
    expect(finishReason).toBe('length')
  })

  it('leaves the last token unread, unless the output is kept', async () => {
    const one = await start()
    const plain = await generate(one.session, one.logits, { maxNewTokens: 6 })
    expect([plain.fed, one.session.position, one.session.processed]).toEqual([5, 55, 55])
    const two = await start()
    const kept = await generate(two.session, two.logits, { maxNewTokens: 6, keepOutput: true })
    expect([kept.fed, two.session.position]).toEqual([6, 56])
    using whole = runtime.newSession()
    expect(digestLogits(kept.logits)).toBe(digestLogits(await whole.append([...prompt, ...kept.ids])))
    expect(digestState(await two.session.capture())).toBe(digestState(await whole.capture()))
  })

  it('stops at a stop id, which is not part of the answer, having read the whole answer', async () => {
    const [, , third = 0] = await greedyByRereading(3)
    const { session, logits } = await start()
    const expected = (await greedyByRereading(3)).indexOf(third)
    const stopped = await generate(session, logits, { maxNewTokens: 9, stopIds: [third] })
    expect(stopped).toMatchObject({ finishReason: 'stop', stopId: third, fed: expected })
    expect([stopped.ids.length, session.position]).toEqual([expected, 50 + expected])
  })

  it('streams every token, and the listener can end the answer', async () => {
    const { session, logits } = await start()
    const tokens: GeneratedToken[] = []
    const { ids, finishReason } = await generate(session, logits, {
      maxNewTokens: 9,
      onToken: token => {
        tokens.push(token)
        return token.index === 3 ? 'stop' : undefined
      },
    })
    expect(tokens.map(({ id }) => id)).toEqual([...ids])
    expect([ids.length, finishReason]).toEqual([4, 'stop'])
  })

  it('is cancelled between steps and returns what it has', async () => {
    const cancel = new AbortController()
    const { session, logits } = await start()
    const { ids, finishReason } = await generate(session, logits, {
      maxNewTokens: 50,
      signal: cancel.signal,
      onToken: ({ index }) => index === 2 && cancel.abort(),
    })
    expect([ids.length, finishReason, session.position]).toEqual([3, 'cancelled', 52])
  })

  it('replays a sampled run from its seed, and another seed gives another', async () => {
    const sampled = async (seed: number) => {
      const { session, logits } = await start()
      const sampling = { seed, temperature: 1.5, topK: 200, topP: 0.98, minP: 0.001, repetitionPenalty: 1.1 }
      return [...(await generate(session, logits, { maxNewTokens: 12, sampling, history: prompt })).ids]
    }
    const first = await sampled(1)
    expect(await sampled(1)).toEqual(first)
    expect(await sampled(2)).not.toEqual(first)
  })

  it('records the most likely tokens and the surprise of what came', async () => {
    const { session, logits } = await start()
    const { ids, traces } = await generate(session, logits, { maxNewTokens: 3, traceTopK: 5 })
    using again = runtime.newSession()
    const rows = await again.append([...prompt, ...ids], { logits: 'all' })
    for (const [n, { ids: top, logProbs, surprisalBits }] of traces.entries()) {
      const row = [...rows.subarray((49 + n) * vocab, (50 + n) * vocab)]
      const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0)
      const order = row.map((logit, id) => ({ logit, id })).sort((a, b) => b.logit - a.logit)
      expect([...top]).toEqual(order.slice(0, 5).map(({ id }) => id))
      for (const [k, logProb] of logProbs.entries()) {
        expect(logProb).toBeCloseTo(Math.log(Math.exp(order[k]?.logit ?? 0) / total), 4)
      }
      expect(surprisalBits).toBeCloseTo(-Math.log2(Math.exp(row[ids[n] ?? 0] ?? 0) / total), 4)
    }
  })

  it('refuses settings that mean nothing', async () => {
    const { session, logits } = await start()
    for (const options of [
      { maxNewTokens: -1 },
      { maxNewTokens: 1.5 },
      { maxNewTokens: 1, sampling: { temperature: -1 } },
      { maxNewTokens: 1, sampling: { topP: 0 } },
      { maxNewTokens: 1, sampling: { topK: 2.5 } },
      { maxNewTokens: 1, sampling: { seed: -1 } },
      { maxNewTokens: 1, sampling: { minP: Number.NaN } },
    ]) {
      await expect(generate(session, logits, options)).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    }
    await expect(generate(session, logits.slice(1), { maxNewTokens: 1 })).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
  })
})

it('ends with the context', async () => {
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2 })
  using session = runtime.newSession()
  const logits = await session.append(random.tokens(2046, vocab))
  const { ids, fed, finishReason } = await generate(session, logits, { maxNewTokens: 9, keepOutput: true })
  expect([ids.length, fed, finishReason, session.position]).toEqual([3, 2, 'context', 2048])
  await runtime.dispose()
})
