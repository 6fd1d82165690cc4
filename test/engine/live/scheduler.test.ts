import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generate } from '#engine/inference/generate.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { Scheduler } from '#engine/live/scheduler.ts'
import { digestState } from '../inference/digestState.ts'
import { runnableModel, STARTERS } from '../inference/runnableModel.ts'
import { seeded } from '../inference/seeded.ts'
import { openTestEngine, questionDelta } from '../testEngine.ts'

const VOCAB = 2048
const random = seeded(5)

describe.each(STARTERS)('the scheduler of %s', folder => {
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
  })
  afterAll(() => runtime.dispose())

  async function contexts(lengths: readonly number[]) {
    const found: { state: StateSnapshot; logits: Float32Array }[] = []
    for (const length of lengths) {
      using session = runtime.newSession()
      const logits = await session.append(random.tokens(length, VOCAB))
      found.push({ state: await session.capture(), logits })
    }
    return found
  }

  it('writes for several at once what each would get alone, and runs them together', async () => {
    const bases = await contexts([40, 90, 7, 130, 64, 3])
    const scheduler = new Scheduler(runtime, () => 1024 ** 3)
    const options = (row: number) => ({ maxNewTokens: 4 + 3 * row, keepOutput: true })
    const together = await Promise.all(
      bases.map(async ({ state, logits }, row) => {
        using session = await runtime.restore(state)
        const generation = await scheduler.generate(session, logits, options(row))
        return { ...generation, position: session.position, processed: session.processed }
      }),
    )
    for (const [row, { state, logits }] of bases.entries()) {
      using session = await runtime.restore(state)
      const alone = await generate(session, logits, options(row))
      const { ids, finishReason, fed, position, processed } = together[row] ?? { ...alone, position: 0, processed: 0 }
      expect({ ids, finishReason, fed }).toEqual({ ids: alone.ids, finishReason: alone.finishReason, fed: alone.fed })
      expect({ position, processed }).toEqual({ position: session.position, processed: session.processed })
    }
    expect(together.map(({ batched }) => batched)).toEqual(bases.map(() => true))
    expect(scheduler.together).toBe(0)
  })

  it('changes no bit for one that is alone', async () => {
    const [base] = await contexts([50])
    if (base === undefined) throw new Error('a context')
    const scheduler = new Scheduler(runtime, () => 1024 ** 3)
    using session = await runtime.restore(base.state)
    const { batched, ids } = await scheduler.generate(session, base.logits, { maxNewTokens: 9, keepOutput: true })
    using alone = await runtime.restore(base.state)
    await generate(alone, base.logits, { maxNewTokens: 9, keepOutput: true })
    expect(batched).toBe(false)
    expect(ids).toHaveLength(9)
    expect(digestState(await session.capture())).toBe(digestState(await alone.capture()))
  })

  it('lets whoever joins wait for one chunk of a reading at most, and those who write too', async () => {
    const [base] = await contexts([40])
    if (base === undefined) throw new Error('a context')
    const scheduler = new Scheduler(runtime, () => 1024 ** 3)
    using reading = runtime.newSession()
    let chunks = 0
    const waited: { row: number; index: number; chunks: number }[] = []
    const agent = async (row: number) => {
      using session = await runtime.restore(base.state)
      let seen = chunks
      await scheduler.generate(session, base.logits, {
        maxNewTokens: 5,
        onToken: ({ index }) => {
          // The first token comes of the logits at hand.
          if (index > 0) waited.push({ row, index, chunks: chunks - seen })
          seen = chunks
        },
      })
    }
    const agents: Promise<void>[] = []
    await reading.append(random.tokens(1900, VOCAB), {
      logits: 'none',
      onProgress: () => {
        chunks += 1
        // Each comes while the one before it writes, and at another moment of the chunk.
        if (chunks <= 5) setTimeout(() => agents.push(agent(chunks)), chunks)
      },
    })
    await Promise.all(agents)
    expect(agents).toHaveLength(5)
    expect(waited).toHaveLength(5 * 4)
    expect(waited.filter(one => one.chunks > 1)).toEqual([])
  })

  it('lets one be cancelled and one fail without the others, and one that has no room run by itself', async () => {
    const bases = await contexts([30, 31, 32, 33])
    const scheduler = new Scheduler(runtime, () => 1024 ** 3)
    const cancelling = new AbortController()
    const outcomes = await Promise.allSettled(
      bases.map(async ({ state, logits }, row) => {
        using session = await runtime.restore(state)
        const onToken = ({ index }: { index: number }) => {
          if (row === 1 && index === 2) cancelling.abort()
          if (row === 2 && index === 3) throw new Error('its listener failed')
        }
        const signal = row === 1 ? cancelling.signal : undefined
        return await scheduler.generate(session, logits, { maxNewTokens: 8, onToken, signal })
      }),
    )
    expect(outcomes.map(one => (one.status === 'fulfilled' ? one.value.finishReason : 'failed'))).toEqual([
      'length',
      'cancelled',
      'failed',
      'length',
    ])
    expect(scheduler.together).toBe(0)

    const crowded = new Scheduler(runtime, () => 0)
    const small = await Promise.all(
      bases.map(async ({ state, logits }) => {
        using session = await runtime.restore(state)
        return await crowded.generate(session, logits, { maxNewTokens: 3 })
      }),
    )
    expect(small.map(({ ids }) => ids.length)).toEqual([3, 3, 3, 3])
    if (runtime.model.kind === 'kv') expect(small.map(({ batched }) => batched)).toEqual(bases.map(() => false))
  })
})

it('eight agents that ask one base at once get what they get one after the other, and the receipt says how', async () => {
  const studio = await openTestEngine()
  try {
    const { client, engine } = studio
    const text = Array.from({ length: 30 }, (_, i) => `Goat ${i} lives in house ${i * 7}.`).join('\n')
    const { cartridge } = await client.call('packets.create', {
      ...{ model: 'starter-transformer', sources: [{ name: 'herd', text }] },
    })
    const ask = (agent: number) =>
      client.call('packets.infer', {
        ...{ ref: cartridge.packetId, persist: 'memory', keepOutput: true, maxNewTokens: 8 },
        delta: questionDelta(`Where does goat ${agent} live?`),
      })
    const agents = Array.from({ length: 8 }, (_, agent) => agent)
    const alone = []
    for (const agent of agents) alone.push(await ask(agent))
    const together = await Promise.all(agents.map(ask))
    expect(together.map(({ outputTokenIds }) => outputTokenIds)).toEqual(
      alone.map(({ outputTokenIds }) => outputTokenIds),
    )
    expect(together.map(({ newContextId }) => newContextId)).toEqual(alone.map(({ newContextId }) => newContextId))
    expect(together.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens))
    const details = await Promise.all(
      together.map(async ({ receipt }) => (await engine.state.receipts.get(receipt.receipt_id)).details),
    )
    expect(details.some(({ batched }) => batched === true)).toBe(true)
  } finally {
    await studio.close()
  }
})
