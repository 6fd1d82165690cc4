import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Runtime } from '#engine/inference/runtime.ts'
import { RuntimeLeases } from '#engine/live/runtimeLeases.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { seeded } from '../inference/seeded.ts'
import { openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

const OPERATIONS = process.env.DEEP === '1' ? 10_000 : 100

describe('leases on a runtime', () => {
  /** Only whether it was freed matters here. */
  const runtime = () => {
    const events: string[] = []
    return { events, runtime: { dispose: async () => void events.push('freed') } as Runtime }
  }

  it('are not taken by what an operation left running when it failed', async () => {
    const leases = new RuntimeLeases()
    const { events, runtime: one } = runtime()
    let late = Promise.resolve()
    const failed = leases.during('remix.mix', () => {
      late = pause(5).then(() => leases.take(one))
      return Promise.reject(new Error('refused'))
    })
    await expect(failed).rejects.toThrow('refused')
    await late
    expect(leases.holders(one)).toEqual([])
    await leases.free(one)
    expect(events).toEqual(['freed'])
  })

  it('keep it until the operation that took it is over, and say who that is', async () => {
    const leases = new RuntimeLeases()
    const { events, runtime: one } = runtime()
    const done = leases.during('packets.infer', async () => {
      leases.take(one)
      await pause(20)
      events.push('still used')
    })
    await pause(1)
    expect(leases.holders(one)).toEqual(['packets.infer'])
    await leases.free(one)
    await done
    expect(events).toEqual(['still used', 'freed'])
    expect(leases.holders(one)).toEqual([])
  })

  it('are given back when an operation fails, and do not keep an operation from freeing what only it uses', async () => {
    const leases = new RuntimeLeases()
    const { events, runtime: one } = runtime()
    await expect(
      leases.during('models.try', async () => {
        leases.take(one)
        await leases.during('part of it', async () => leases.take(one))
        expect(leases.holders(one)).toEqual(['models.try'])
        await leases.free(one)
        throw new Error('failed')
      }),
    ).rejects.toThrow('failed')
    expect(events).toEqual(['freed'])
  })
})

describe('an engine whose models come and go', () => {
  let studio: TestEngine
  beforeAll(async () => {
    studio = await openTestEngine()
  })
  afterAll(() => studio.close())

  it(`answers ${OPERATIONS} calls of 8 callers, and none meets a model that was freed`, {
    timeout: 1_800_000,
  }, async () => {
    const { client, engine } = studio
    const { live, models } = engine.state
    const refs: string[] = []
    for (const model of ['starter-transformer', 'starter-mamba'])
      for (const text of ['The goat lives in Oslo. It likes pears.\n', 'The cow lives in Rome. It likes figs.\n'])
        refs.push(
          (await client.call('packets.create', { model, sources: [{ name: 'facts', text: text.repeat(9) }] })).cartridge
            .packetId,
        )
    const expected = new Map<string, string>()
    const delta = questionDelta('Where does the goat live?')
    const random = seeded(7)
    let left = OPERATIONS
    let precision: 'float32' | 'int8' = 'float32'
    const codes = new Map<string, number>()
    async function caller(): Promise<void> {
      while (left-- > 0) {
        const [what, ref] = [random.int(0, 9), refs[random.int(0, refs.length - 1)] ?? '']
        const cancelling = new AbortController()
        try {
          if (what === 0 && random.int(0, 24) === 0) {
            precision = precision === 'int8' ? 'float32' : 'int8'
            await client.call('models.setPrecision', { id: 'starter-transformer', precision })
          } else if (what === 0) await models.unload()
          else if (what === 1) live.hot.purge()
          else if (what === 2) live.warm.purge()
          else if (what === 3) live.warm.budget = random.int(0, 1) * 1024 ** 3
          else {
            if (what === 4) setTimeout(() => cancelling.abort(), random.int(0, 8))
            const answer = await client.call(
              'packets.infer',
              { ref, delta, persist: 'memory', maxNewTokens: 4, keepOutput: what === 5 },
              { signal: cancelling.signal },
            )
            // Cancelled while it wrote: what there is of it is the answer.
            if (answer.finishReason === 'cancelled') continue
            const ids = `${answer.outputTokenIds} ${what === 5 ? 'kept' : answer.newContextId}`
            const key = `${ref} ${what === 5}`
            expect(expected.get(key) ?? ids).toBe(ids)
            expected.set(key, ids)
          }
        } catch (error) {
          if (!(error instanceof StatePackError)) throw error
          codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, caller))
    // A model in another precision is another one: its answers are refused, never given in place of those expected.
    const refusals = ['E_CANCELLED', 'E_COMPONENT_MISMATCH']
    expect([...codes.keys()].filter(code => !refusals.includes(code))).toEqual([])
    // Every row is gone, whether it was answered or cancelled, and nobody holds a model.
    for (const id of models.loaded()) expect(live.schedulerOf((await models.load(id)).runtime).together).toBe(0)
    expect((await models.inMemory()).flatMap(({ heldBy }) => heldBy)).toEqual([])
    await live.unstored.settle()
    live.hot.purge()
    expect(live.hot.view()).toMatchObject({ bytes: 0, inUse: 0 })
    live.warm.purge()
    await live.unstored.settle()
    expect(live.warm.bytes).toBe(0)
  })
})
