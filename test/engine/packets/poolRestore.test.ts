/** A stored state goes on with the bits of one that was never stored, wherever its layers are and whatever became of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Session } from '#engine/inference/session.ts'
import { createPacket } from '#engine/packets/createPacket.ts'
import { deepestPrefix, restorePrefix } from '#engine/packets/deepestPrefix.ts'
import { openState } from '#engine/packets/openState.ts'
import { continueWith } from '../inference/continuation.ts'
import { seeded } from '../inference/seeded.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const SEED = 20261127
const SPLITS = process.env.DEEP ? 200 : 10
const WAYS = ['pool hit', 'pool miss', 'branch', 'rewind', 'batch'] as const
const GREEDY = 6

describe.each(['starter-transformer', 'starter-mamba'])(`stored states of %s (seed ${SEED})`, model => {
  let studio: TestEngine
  beforeAll(async () => {
    studio = await openTestEngine()
  })
  afterAll(() => studio.close())

  it(`go on bit for bit over pool hits and misses, branches and rewinds, and in a batch with the same ids: ${SPLITS} splits`, async () => {
    const { state } = studio.engine
    const { live } = state
    const loaded = await state.models.load(model)
    const { runtime } = loaded
    const random = seeded(SEED)
    const misses = () => live.blocks.misses + live.snapshots.misses
    const fresh = async (tokens: ArrayLike<number>): Promise<Session> => {
      const session = runtime.newSession()
      await session.append(tokens, { logits: 'none' })
      return session
    }
    for (let n = 0; n < SPLITS; n++) {
      const way = WAYS[n % WAYS.length] ?? 'pool hit'
      const where = { n, way }
      const words = Array.from({ length: random.int(4, 2 ** random.int(3, 8)) }, () => `goat ${random.int(0, 999)}`)
      const text = `Herd ${n}: ${words.join(' ')}.`
      const { packetId } = await createPacket(state, { model, dtype: 'float32', sources: [{ name: 'herd', text }] })
      if (way === 'pool miss' || random.int(0, 1) === 0) {
        // Checkpoints go with the rest: what can then be gone back to is the state itself.
        if (way === 'pool miss') live.warm.purge()
        live.hot.purge()
      }
      const before = misses()
      const { tokens, snapshot } = await openState(state, packetId)
      expect({ ...where, missed: misses() > before }).toEqual({ ...where, missed: way === 'pool miss' })
      const rest = random.tokens(random.int(1, 40), runtime.model.vocabSize)

      if (way === 'batch') {
        const logits: Float32Array[] = []
        const restored: Session[] = []
        const alone: number[][] = []
        for (let row = 0; row < 3; row++) {
          using whole = await fresh(tokens)
          alone.push((await continueWith(whole, [row + 1], GREEDY)).ids)
          const session = await runtime.restore(snapshot)
          logits.push(await session.append([row + 1]))
          restored.push(session)
        }
        const scheduler = live.schedulerOf(runtime)
        const together = await Promise.all(
          restored.map((session, row) =>
            scheduler.generate(session, logits[row] ?? new Float32Array(0), { maxNewTokens: GREEDY }),
          ),
        )
        for (const session of restored) session.dispose()
        expect({ ...where, ids: together.map(({ ids }) => [...ids]) }).toEqual({ ...where, ids: alone })
        expect(together.map(({ batched }) => batched)).toEqual([true, true, true])
        continue
      }

      const cut = random.int(1, tokens.length)
      let expected: Session
      let session: Session
      if (way === 'branch') {
        const wanted = Int32Array.from([...tokens.subarray(0, cut), ...rest])
        const { prefix } = await deepestPrefix(state, loaded, { tokens: wanted, dtype: 'float32' })
        session = prefix === null ? runtime.newSession() : await restorePrefix(loaded, prefix)
        if (model === 'starter-transformer' && cut >= 64) expect(prefix?.tokens).toBeGreaterThanOrEqual(cut)
        if (cut >= 128) expect(prefix?.tokens).toBeGreaterThanOrEqual(64)
        await session.append(wanted.subarray(session.position, cut), { logits: 'none' })
        expected = await fresh(tokens.subarray(0, cut))
      } else if (way === 'rewind') {
        session = await runtime.restore(snapshot)
        const junk = random.tokens(random.int(1, 90), runtime.model.vocabSize)
        await session.append(junk, { logits: 'none' })
        if (runtime.model.kind === 'kv') session.truncate(cut)
        else {
          // What cannot be cut back goes on from the last checkpoint of its reading.
          session.dispose()
          const checkpoint = live.timelines.deepest(packetId, cut)
          session = checkpoint === null ? runtime.newSession() : await runtime.restore(checkpoint)
          if (cut >= 64) expect(session.position).toBeGreaterThanOrEqual(64)
          await session.append(tokens.subarray(session.position, cut), { logits: 'none' })
        }
        expected = await fresh(tokens.subarray(0, cut))
      } else {
        session = await runtime.restore(snapshot)
        expect(session.processed).toBe(0)
        expected = await fresh(tokens)
      }
      const [found, wanted] = [await continueWith(session, rest, GREEDY), await continueWith(expected, rest, GREEDY)]
      session.dispose()
      expected.dispose()
      expect({ ...where, ...found }).toEqual({ ...where, ...wanted })
    }
  }, 1_800_000)
})
