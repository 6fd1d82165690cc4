import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { compareLogits, compareStates } from '#engine/inference/compareStates.ts'
import type { DecodeBatch } from '#engine/inference/decodeBatch.ts'
import { sharedBlocks } from '#engine/inference/kvRows.ts'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import { digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

const random = seeded(31)
const VOCAB = 2048
const TOLERANCE = 1e-4

function batchOf(runtime: Runtime): DecodeBatch {
  const batch = runtime.newBatch()
  if (batch === null) throw new Error('the processor batches')
  return batch
}

const furthest = (differences: readonly { maxAbsDiff: number }[]) =>
  Math.max(0, ...differences.map(({ maxAbsDiff }) => maxAbsDiff))

describe.each(STARTERS)('a batch of %s', folder => {
  let runtime: Runtime
  beforeAll(async () => {
    runtime = await openRuntime(await runnableModel(folder), { device: 'cpu', threads: 2 })
  })
  afterAll(() => runtime.dispose())

  it('reads what each session would alone, whoever joins, waits and leaves in between', async () => {
    const batch = batchOf(runtime)
    const twins: { together: Session; alone: Session; inside: boolean; read: number }[] = []
    for (const length of [70, 3, 255, 128, 0]) {
      const together = runtime.newSession()
      if (length > 0) await together.append(random.tokens(length, VOCAB))
      twins.push({ together, alone: await together.fork(), inside: false, read: 0 })
    }
    for (let step = 0; step < 40; step++) {
      for (const twin of twins) {
        if (random.int(0, 3) > 0) continue
        if (twin.inside) batch.leave(twin.together)
        else await batch.join(twin.together)
        twin.inside = !twin.inside
      }
      const taking = twins.filter(({ inside }) => inside && random.int(0, 4) > 0)
      if (taking.length === 0) continue
      const tokens = new Map(taking.map(({ together }) => [together, random.int(0, VOCAB - 1)]))
      const after = await batch.step(tokens)
      expect([...after.keys()]).toEqual(taking.map(({ together }) => together))
      for (const { together, alone } of taking) {
        const expected = await alone.append([tokens.get(together) ?? 0])
        const found = after.get(together) ?? new Float32Array(0)
        expect(compareLogits(expected, found).maxAbsDiff).toBeLessThan(TOLERANCE)
      }
      for (const twin of taking) twin.read += 1
    }
    for (const { together, alone, inside } of twins) {
      if (inside) batch.leave(together)
      expect(together.position).toBe(alone.position)
      expect(furthest(compareStates(await alone.capture(), await together.capture()))).toBeLessThan(TOLERANCE)
    }
    expect(batch.sessions).toEqual([])
    expect(twins.some(({ read }) => read > 5)).toBe(true)
  })

  it('leaves a session that only waited as it was, bit for bit, and counts what was read', async () => {
    const batch = batchOf(runtime)
    const [waits, reads] = [runtime.newSession(), runtime.newSession()]
    for (const session of [waits, reads]) await session.append(random.tokens(66, VOCAB))
    const before = digestState(await waits.capture())
    for (const session of [waits, reads]) await batch.join(session)
    await expect(waits.append([1])).rejects.toMatchObject({ code: 'E_CONFLICT', details: { busy: 'in a batch' } })
    for (const token of [5, 6, 7]) await batch.step(new Map([[reads, token]]))
    for (const session of [waits, reads]) batch.leave(session)
    expect(digestState(await waits.capture())).toBe(before)
    expect([reads.position, reads.processed]).toEqual([69, 69])
    expect((await reads.append([1])).every(Number.isFinite)).toBe(true)
  })

  it('copies nothing of a session that nobody goes on from, and closes it', async () => {
    const batch = batchOf(runtime)
    const fresh = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const [last, stays] = [runtime.newSession(), runtime.newSession()]
    for (const session of [last, stays]) await session.append(random.tokens(100, VOCAB))
    for (const session of [last, stays]) await batch.join(session)
    await batch.step(new Map([last, stays].map(session => [session, 5])))
    fresh.mockClear()
    batch.leave(last, { isLast: true })
    expect(fresh).not.toHaveBeenCalled()
    expect([last.processed, stays.processed]).toEqual([101, 100])
    await expect(last.append([1])).rejects.toMatchObject({ code: 'E_CONFLICT' })
    batch.leave(stays)
    expect((await stays.append([1])).every(Number.isFinite)).toBe(true)
    fresh.mockRestore()
  })

  it('takes a session in without copying it twice', async () => {
    const batch = batchOf(runtime)
    using session = runtime.newSession()
    await session.append(random.tokens(100, VOCAB))
    using alone = await session.fork()
    const fresh = vi.spyOn(Buffer, 'allocUnsafeSlow')
    await batch.join(session)
    expect(fresh).not.toHaveBeenCalled()
    fresh.mockRestore()
    batch.leave(session)
    expect(digestState(await session.capture())).toBe(digestState(await alone.capture()))
  })

  it('frees what a disposed session leaves behind', async () => {
    const batch = batchOf(runtime)
    const session = runtime.newSession()
    await session.append([1, 2, 3])
    await batch.join(session)
    session.dispose()
    batch.leave(session)
    expect(batch.sessions).toEqual([])
    await expect(session.append([1])).rejects.toMatchObject({ code: 'E_CONFLICT' })
  })
})

it('grows its buffers, and lets a full row wait unharmed', async () => {
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2 })
  const read = async (length: number) => {
    const session = runtime.newSession()
    await session.append(random.tokens(length, VOCAB), { logits: 'none' })
    return session
  }
  const batch = batchOf(runtime)
  const [small, full] = [await read(254), await read(2047)]
  const [smallAlone, fullAlone] = [await small.fork(), await full.fork()]
  for (const session of [small, full]) await batch.join(session)
  const last = 7
  await batch.step(new Map([[full, last]]))
  await fullAlone.append([last])
  for (const token of random.tokens(6, VOCAB)) {
    const after = await batch.step(new Map([[small, token]]))
    const expected = await smallAlone.append([token])
    expect(compareLogits(expected, after.get(small) ?? new Float32Array(0)).maxAbsDiff).toBeLessThan(TOLERANCE)
  }
  for (const session of [small, full]) batch.leave(session)
  expect(full.position).toBe(2048)
  expect(furthest(compareStates(await fullAlone.capture(), await full.capture()))).toBeLessThan(TOLERANCE)
  await runtime.dispose()
})

it('has room for the row that attention adds to a session that is alone in it, wherever its buffers end', async () => {
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2 })
  const batch = batchOf(runtime)
  for (const length of [254, 255, 256, 2047]) {
    using session = runtime.newSession()
    await session.append(random.tokens(length, VOCAB), { logits: 'none' })
    using alone = await session.fork()
    await batch.join(session)
    const after = await batch.step(new Map([[session, 9]]))
    batch.leave(session)
    const expected = await alone.append([9])
    expect(compareLogits(expected, after.get(session) ?? new Float32Array(0)).maxAbsDiff).toBeLessThan(TOLERANCE)
    expect(furthest(compareStates(await alone.capture(), await session.capture()))).toBeLessThan(TOLERANCE)
  }
  await runtime.dispose()
})

it('counts its buffers while anybody is in it, gives them up when they are needed, and starts anew', async () => {
  const tier = new MemoryTier('hot', { budget: 2 ** 30 })
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2, tier })
  const batch = batchOf(runtime)
  // Of whole blocks: what rows had beyond them, sessions would lack.
  expect(batch.bytesWith(130)).toBe(3 * batch.bytesWith(0))
  const session = runtime.newSession()
  await session.append(random.tokens(70, VOCAB))
  const alone = await session.fork()
  const expected = await alone.append([3])
  alone.dispose()
  for (const isFirst of [true, false]) {
    await batch.join(session)
    tier.purge()
    expect(tier.view().inUse).toBe(batch.bytesWith(70))
    const after = await batch.step(new Map([[session, 3]]))
    expect(compareLogits(expected, after.get(session) ?? new Float32Array(0)).maxAbsDiff).toBeLessThan(TOLERANCE)
    batch.leave(session)
    expect(tier.view().inUse).toBe(0)
    session.truncate(70)
    if (!isFirst) continue
    expect(tier.bytes).toBe(batch.bytesWith(70))
    tier.purge()
    expect(tier.bytes).toBe(0)
  }
  await runtime.dispose()
  expect(tier.bytes).toBe(0)
})

it('knows nothing of rows whose buffers were given up, however many and long they were', async () => {
  const tier = new MemoryTier('hot', { budget: 2 ** 30 })
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 2, tier })
  const batch = batchOf(runtime)
  const step = (sessions: readonly Session[]) => batch.step(new Map(sessions.map(session => [session, 3])))
  const sessionsOf = async (count: number, tokens: number) => {
    const sessions = Array.from({ length: count }, () => runtime.newSession())
    for (const session of sessions) await session.append(random.tokens(tokens, VOCAB))
    return sessions
  }
  const before = await sessionsOf(5, 140)
  for (const session of before) await batch.join(session)
  await step(before)
  // All at once: no step follows that would have fewer rows.
  for (const session of before) {
    batch.leave(session)
    session.dispose()
  }
  tier.purge()

  const sessions = await sessionsOf(4, 70)
  const expected = new Map<Session, Float32Array>()
  for (const session of sessions) {
    using alone = await session.fork()
    expected.set(session, await alone.append([3]))
  }
  for (const session of sessions) await batch.join(session)
  const after = await step(sessions)
  const none = new Float32Array(0)
  for (const session of sessions) {
    const difference = compareLogits(expected.get(session) ?? none, after.get(session) ?? none)
    expect(difference.maxAbsDiff).toBeLessThan(TOLERANCE)
  }
  await runtime.dispose()
})

it('copies of a session what does not stand in its row, whoever was there before, and reads the same', async () => {
  const runtime = await openRuntime(await runnableModel(STARTERS[0]), { device: 'cpu', threads: 1 })
  const batch = batchOf(runtime)
  // Two bases that begin alike, one that does not.
  const first = runtime.newSession()
  await first.append(random.tokens(130, VOCAB), { logits: 'none' })
  const bases = [await first.capture()]
  await first.append(random.tokens(126, VOCAB), { logits: 'none' })
  bases.push(await first.capture())
  const other = runtime.newSession()
  await other.append(random.tokens(192, VOCAB), { logits: 'none' })
  bases.push(await other.capture())
  const begin = async (base: number) => {
    const snapshot = bases[base]
    if (snapshot === undefined) throw new Error('no base')
    const session = await runtime.restore(snapshot)
    await session.append(random.tokens(3, VOCAB))
    return session
  }
  /** Bytes that are copied when sessions of these bases come in together and take some steps, each compared with itself alone. */
  const copied: number[] = []
  for (const round of [
    [1, 1, 1],
    [1, 1, 1],
    [0, 2, 1],
    [1, 1],
    [2, 0, 1, 1],
    [1, 1, 1, 1],
  ]) {
    const twins: { together: Session; alone: Session }[] = []
    for (const base of round) {
      const together = await begin(base)
      twins.push({ together, alone: await together.fork() })
    }
    let bytes = 0
    for (const { together } of twins) {
      const before = together.copiedBytes
      await batch.join(together)
      bytes += together.copiedBytes - before
    }
    copied.push(bytes)
    for (let step = 0; step < 3; step++) {
      const tokens = new Map(twins.map(({ together }) => [together, random.int(0, VOCAB - 1)]))
      const after = await batch.step(tokens)
      for (const { together, alone } of twins) {
        const expected = await alone.append([tokens.get(together) ?? 0])
        expect(compareLogits(expected, after.get(together) ?? new Float32Array(0)).maxAbsDiff).toBeLessThan(TOLERANCE)
      }
      // One leaves early, so that another takes its place.
      const leaving = step === 0 && twins.length > 2 ? twins.shift() : undefined
      if (leaving !== undefined) batch.leave(leaving.together)
    }
    for (const { together, alone } of twins) {
      batch.leave(together)
      expect(furthest(compareStates(await alone.capture(), await together.capture()))).toBeLessThan(TOLERANCE)
    }
  }
  // Of the second round only what its sessions have read themselves.
  expect(copied[1]).toBeLessThan((copied[0] ?? 0) / 10)
  expect(copied[2]).toBeGreaterThan(copied[1] ?? 0)
  await runtime.dispose()
})

it('knows of blocks that nobody has any more that they are none of a shorter state', () => {
  const gone = [undefined, undefined]
  expect(sharedBlocks(gone, [])).toBe(0)
  const block = { start: 0, tokens: 64, layers: [] }
  expect(sharedBlocks([block, ...gone], [block])).toBe(1)
})
