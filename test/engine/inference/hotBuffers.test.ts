import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { compareStates } from '#engine/inference/compareStates.ts'
import { isLent } from '#engine/inference/lentBlock.ts'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import { roundTripState } from '#engine/inference/stateCodec.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import type { TierMove } from '#engine/inference/tierEntry.ts'
import { settledState } from '#engine/packets/settledState.ts'
import { StateEncoder } from '#engine/packets/stateEncoder.ts'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { digestLogits, digestState } from './digestState.ts'
import { runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function encoded(session: Session, dtype: StateDtype, forgetsTo = 0) {
  await using encoder = new StateEncoder({ dtype, keep: async blob => blob, forgetsTo })
  return (await settledState(session, (await encoder.end(session)).stored, dtype)).state
}

/** Of three lengths, each under its own name. */
async function threeStates(runtime: Pick<Runtime, 'newSession'>, random: ReturnType<typeof seeded>) {
  const states: StateSnapshot[] = []
  for (const [length, label] of [
    [250, 'long'],
    [130, 'short'],
    [70, 'shorter'],
  ] as const) {
    using reader = runtime.newSession()
    await reader.append(random.tokens(length, 2048))
    states.push({ ...(await reader.capture()), label })
  }
  return states
}

/** Recurrent states are in no buffers that could be lent. */
const lending = (folder: string) => it.skipIf(folder !== STARTERS[0])

describe.each(STARTERS)('sessions of %s that follow each other', folder => {
  it('compute the same bits in memory that others have used', async () => {
    const model = await runnableModel(folder)
    const random = seeded(11)
    const [before, tokens] = [random.tokens(700, 2048), random.tokens(300, 2048)]
    using fresh = await openRuntime(model, { device: 'cpu', threads: 2 })
    using alone = fresh.newSession()
    const expected = await alone.append(tokens, { logits: 'all' })

    using runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    const first = runtime.newSession()
    await first.append(before)
    first.dispose()
    // One that needs less room, and two that go on from its snapshot, in its buffers and others.
    const second = runtime.newSession()
    await second.append(tokens.subarray(0, 100))
    const state = await second.capture()
    second.dispose()
    using third = await runtime.restore(state)
    const other = await runtime.restore(state)
    await other.append(before.subarray(0, 200))
    other.dispose()
    const logits = await third.append(tokens.subarray(100), { logits: 'all' })
    expect(digestLogits(logits)).toBe(digestLogits(expected.subarray(100 * 2048)))
    expect(digestState(await third.capture())).toBe(digestState(await alone.capture()))
  })

  it('compute the same bits whatever lies in memory that nobody has written yet', async () => {
    const model = await runnableModel(folder)
    const tokens = seeded(15).tokens(701, 2048)
    async function bits(fill: number) {
      const fresh = vi
        .spyOn(Buffer, 'allocUnsafeSlow')
        .mockImplementation(size => Buffer.from(new Uint8Array(size).fill(fill).buffer))
      try {
        using runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
        using read = runtime.newSession()
        // Odd chunks run with a row more; the last ones need larger buffers.
        const logits = [await read.append(tokens.subarray(0, 301)), await read.append(tokens.subarray(301, 302))]
        using restored = await runtime.restore(await roundTripState(await read.capture(), 'float16'))
        for (let at = 302; at < 305; at++) logits.push(await restored.append(tokens.subarray(at, at + 1)))
        logits.push(await restored.append(tokens.subarray(305)))
        return [...logits.map(digestLogits), digestState(await restored.capture()), fresh.mock.calls.length > 0]
      } finally {
        fresh.mockRestore()
      }
    }
    // All ones: no number, in any width.
    const expected = await bits(0)
    expect(await bits(0xff)).toEqual(expected)
    expect(expected.at(-1)).toBe(folder === STARTERS[0])
  })

  it('go on from a state in the buffers that another left with it, with the same bits, and copy nothing again', async () => {
    const model = await runnableModel(folder)
    const random = seeded(12)
    // One keeps no buffers: what it computes is what the other must.
    const nothing = new MemoryTier('hot', { budget: 0 })
    using reference = await openRuntime(model, { device: 'cpu', threads: 2, tier: nothing })
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    const snapshots: StateSnapshot[] = []
    for (const length of [200, 192, 70]) {
      using reader = runtime.newSession()
      await reader.append(random.tokens(length, 2048))
      snapshots.push(await reader.capture())
    }
    for (let round = 0; round < 16; round++) {
      const snapshot = snapshots[random.int(0, snapshots.length - 1)]
      if (snapshot === undefined) throw new Error('there is no such snapshot')
      const delta = random.tokens(random.int(1, 90), 2048)
      const cut = model.kind === 'kv' && random.int(0, 2) === 0 ? random.int(1, snapshot.position) : null
      const ran: string[] = []
      for (const { restore } of [runtime, reference]) {
        using session = await restore(snapshot)
        if (cut !== null) session.truncate(cut)
        ran.push(`${digestLogits(await session.append(delta))} ${digestState(await session.capture())}`)
      }
      expect(ran[0], `round ${round}`).toBe(ran[1])
    }
    for (const snapshot of snapshots) {
      for (const copies of [true, false]) {
        using session = await runtime.restore(snapshot)
        await session.append(random.tokens(5, 2048), { logits: 'none' })
        if (!copies) expect(session.copiedBytes).toBe(0)
      }
    }
  })

  it('fill the buffers of another, where the tier has no room for more, with no number of it left', async () => {
    const model = await runnableModel(folder)
    const random = seeded(15)
    const moves: TierMove[] = []
    const tier = new MemoryTier('hot', {
      budget: Number.MAX_SAFE_INTEGER,
      onMove: move => moves.push(move),
      findBelow: blocks => (blocks.some(block => block !== undefined) ? 'warm' : 'gone'),
    })
    using reference = await openRuntime(model, { device: 'cpu', threads: 2 })
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2, tier })
    const snapshots = await threeStates(reference, random)
    const delta = random.tokens(9, 2048)
    for (const [index, snapshot] of [...snapshots, ...snapshots].entries()) {
      const given: string[] = []
      for (const { restore } of [runtime, reference]) {
        using session = await restore(snapshot)
        given.push(`${digestLogits(await session.append(delta))} ${digestState(await session.capture())}`)
      }
      expect(given[0], `restore ${index}`).toBe(given[1])
      // From here on one set of buffers is all there may be.
      tier.budget = tier.bytes
      if (model.kind === 'kv') expect(tier.view().entries).toMatchObject([{ label: snapshot.label, inUse: false }])
    }
    const gone = moves.filter(({ from }) => from === 'hot').map(({ label, to, reason }) => `${label} ${to}: ${reason}`)
    const expected = ['long', 'short', 'shorter', 'long', 'short'].map(
      (label, i) => `${label} warm: room for ${['short', 'shorter', 'long', 'short', 'shorter'][i]}`,
    )
    expect(gone).toEqual(model.kind === 'kv' ? expected : [])
  })

  lending(folder)(
    'go on in the memory of what nobody is given again, each in its own, with no number of it left',
    async () => {
      const model = await runnableModel(folder)
      const random = seeded(17)
      const moves: TierMove[] = []
      // What is in memory below. All blocks are at hand all the time, so none is ever collected as garbage.
      const below = new Set<unknown>()
      const budget = Number.MAX_SAFE_INTEGER
      const tier = new MemoryTier('hot', {
        ...{ budget, onMove: move => moves.push(move) },
        keepsBelow: piece => below.has(piece),
      })
      using reference = await openRuntime(model, { device: 'cpu', threads: 2 })
      using runtime = await openRuntime(model, { device: 'cpu', threads: 2, tier })
      const snapshots = await threeStates(reference, random)
      const bits = async (session: Session, delta: ArrayLike<number>) =>
        `${digestLogits(await session.append(delta))} ${digestState(await session.capture())}`
      const held = () => tier.view().entries.map(({ label }) => label)
      const delta = random.tokens(9, 2048)
      for (const snapshot of [...snapshots, ...snapshots]) {
        const given: string[] = []
        for (const { restore } of [runtime, reference]) {
          using session = await restore(snapshot)
          given.push(await bits(session, delta))
        }
        expect(given[0], snapshot.label).toBe(given[1])
        expect(held()).toEqual([snapshot.label])
      }
      const gone = moves.filter(({ from }) => from === 'hot').map(({ label, reason }) => `${label}: ${reason}`)
      expect(gone).toEqual(
        ['long', 'short', 'shorter', 'long', 'short'].map(
          (label, i) => `${label}: room for ${['short', 'shorter', 'long', 'short', 'shorter'][i]}`,
        ),
      )
      // Two at once.
      const pairs = snapshots.flatMap(first => snapshots.map(second => [first, second] as const))
      for (const [first, second] of pairs) {
        const given: string[] = []
        for (const { restore } of [runtime, reference]) {
          using one = await restore(first)
          using other = await restore(second)
          const turns = [await bits(one, delta), await bits(other, delta.subarray(3))]
          given.push([...turns, await bits(one, delta.subarray(5)), await bits(other, delta)].join(' '))
        }
        expect(given[0], `${first.label} beside ${second.label}`).toBe(given[1])
        expect(held()).toHaveLength(2)
      }
      // What somebody can come back to stays where it is.
      tier.purge()
      for (const snapshot of snapshots) {
        for (const block of snapshot.blocks) below.add(block)
        using session = await runtime.restore(snapshot)
        await session.append(delta)
      }
      expect(held()).toEqual(['long', 'short', 'shorter'])
    },
  )

  it('leave buffers of what is pinned alone', async () => {
    const model = await runnableModel(STARTERS[0])
    const tier = new MemoryTier('hot', { budget: Number.MAX_SAFE_INTEGER, keepsBelow: () => false })
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2, tier })
    const snapshots: StateSnapshot[] = []
    for (const label of ['kept', 'other']) {
      using reader = runtime.newSession()
      await reader.append(seeded(16).tokens(100, 2048))
      snapshots.push({ ...(await reader.capture()), label })
    }
    tier.purge()
    for (const snapshot of snapshots) {
      using session = await runtime.restore(snapshot)
      await session.append([1], { logits: 'none' })
      tier.pin('kept', true)
      tier.budget = Math.min(tier.budget, tier.bytes)
    }
    expect(tier.view().entries).toMatchObject([{ label: 'kept', uses: 1 }])
  })

  it('leave buffers behind that keep no state which everybody else has given up', async () => {
    const model = await runnableModel(folder)
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    const left = async () => {
      using reader = runtime.newSession()
      await reader.append(seeded(14).tokens(150, 2048))
      const stored = await encoded(reader, 'float16')
      using session = await runtime.restore(stored)
      await session.append([1], { logits: 'none' })
      return stored.blocks.map(block => new WeakRef(block))
    }
    const blocks = await left()
    // A reference that was just made is kept until the next turn of the loop.
    await setImmediate()
    collectGarbage()
    expect(blocks.filter(block => block.deref() !== undefined)).toEqual([])
  })

  lending(folder)(
    'lend what stands in their buffers, and whatever becomes of these, it goes on with the same bits',
    async () => {
      const model = await runnableModel(folder)
      const random = seeded(20)
      const tier = new MemoryTier('hot', { budget: Number.MAX_SAFE_INTEGER })
      // It keeps no buffers, and has numbers of its own.
      const nothing = new MemoryTier('hot', { budget: 0 })
      using reference = await openRuntime(model, { device: 'cpu', threads: 2, tier: nothing })
      using runtime = await openRuntime(model, { device: 'cpu', threads: 2, tier })
      const states: { readonly lent: StateSnapshot; readonly own: StateSnapshot }[] = []
      const DTYPES = ['float16', 'int8', 'float8_e4m3', 'float32'] as const
      for (const [index, dtype] of DTYPES.entries()) {
        using reader = runtime.newSession()
        const length = [200, 192, 330, 150][index] ?? 0
        await reader.append(random.tokens(length, 2048))
        const own = await roundTripState(await reader.capture(), dtype)
        const lent = await encoded(reader, dtype, dtype === 'float32' ? length : length - 16)
        expect(lent.blocks.filter(isLent)).toHaveLength([2, 2, 4, 3][index] ?? 0)
        states.push({ lent, own })
      }
      // The first to come back to one finds it where it is.
      for (const { lent } of states) {
        using session = await runtime.restore(lent)
        await session.append([1], { logits: 'none' })
        expect(session.copiedBytes).toBeLessThan(2 * 64 * 4096)
      }
      let taken = 0
      for (let round = 0; round < 14; round++) {
        const state = states[random.int(0, states.length - 1)]
        if (state === undefined) throw new Error('there is no such state')
        const delta = random.tokens(random.int(1, 150), 2048)
        const cut = random.int(0, 2) === 0 ? random.int(1, state.own.position) : null
        const beside = random.int(0, 3) === 0 ? await runtime.restore(state.lent) : null
        if (round % 7 === 6) tier.purge()
        // All there is must do, so what stands in some buffers has to leave them.
        tier.budget = round % 3 === 2 ? tier.bytes : Number.MAX_SAFE_INTEGER
        const ran: string[] = []
        for (const [restore, snapshot] of [
          [runtime.restore, state.lent],
          [reference.restore, state.own],
        ] as const) {
          using session = await restore(snapshot)
          if (cut !== null) session.truncate(cut)
          ran.push(`${digestLogits(await session.append(delta))} ${digestState(await session.capture())}`)
          beside?.dispose()
        }
        expect(ran[0], `round ${round}`).toBe(ran[1])
        taken = states.flatMap(({ lent }) => lent.blocks).filter(block => !isLent(block)).length
      }
      expect(taken).toBeGreaterThan(4)
      tier.purge()
      for (const { lent, own } of states)
        for (const { maxAbsDiff } of compareStates(own, lent)) expect(maxAbsDiff).toBe(0)
      await expect.poll(() => states.flatMap(({ lent }) => lent.blocks).filter(isLent)).toEqual([])
      for (const { lent, own } of states)
        for (const { maxAbsDiff } of compareStates(own, lent)) expect(maxAbsDiff).toBe(0)
    },
  )

  lending(folder)('whose memory is needed while what they lend is written elsewhere, lend it whole', async () => {
    const model = await runnableModel(folder)
    const random = seeded(21)
    const [text, delta] = [random.tokens(250, 2048), random.tokens(150, 2048)]
    // Room for these buffers, or for larger ones, and not for both.
    const tier = new MemoryTier('hot', { budget: 600 * 4096 })
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2, tier })
    const reader = runtime.newSession()
    await reader.append(text)
    const own = await roundTripState(await reader.capture(), 'float16')
    const lent = await encoded(reader, 'float16', 192)
    expect(lent.blocks.map(isLent)).toEqual([true, true, true, false])
    reader.dispose()
    const ran: string[] = []
    for (const snapshot of [lent, own]) {
      using session = await runtime.restore(snapshot)
      ran.push(`${digestLogits(await session.append(delta))} ${digestState(await session.capture())}`)
    }
    expect(ran[0]).toBe(ran[1])
  })

  lending(folder)('that cannot be filled are nobody’s', async () => {
    const model = await runnableModel(folder)
    const tier = new MemoryTier('hot', { budget: Number.MAX_SAFE_INTEGER })
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2, tier })
    using reader = runtime.newSession()
    await reader.append(seeded(22).tokens(100, 2048))
    const state = await reader.capture()
    const before = tier.bytes
    using session = await runtime.restore(state)
    // As memory that has run out in the middle of it would.
    for (const block of state.blocks) Object.assign(block, { layers: block.layers.slice(1) })
    await expect(session.append([1])).rejects.toThrow()
    expect(tier.bytes).toBe(before)
  })

  it('are taken out as a store will give them back, and go on in the buffers from there', async () => {
    const model = await runnableModel(folder)
    using runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    const random = seeded(13)
    using session = runtime.newSession()
    await session.append(random.tokens(150, 2048))
    const taken = []
    for (const dtype of ['float16', 'int8', 'float8_e4m3', 'float32'] as const)
      taken.push({ dtype, stored: await encoded(session, dtype) })
    const exact = await session.capture()
    for (const { dtype, stored } of taken)
      for (const { maxAbsDiff } of compareStates(await roundTripState(exact, dtype), stored)) expect(maxAbsDiff).toBe(0)
    // Blocks that were sealed before are rounded, too, and what the session itself goes on with is not.
    await session.append(random.tokens(30, 2048))
    const later = await encoded(session, 'float16')
    expect(later.blocks.every(({ halves }) => halves !== undefined)).toBe(true)
    using again = await runtime.restore(exact)
    await again.append(seeded(13).tokens(180, 2048).subarray(150))
    expect(digestState(await again.capture())).toBe(digestState(await session.capture()))
  })
})
