import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { thinned } from '#engine/live/thinned.ts'
import { readPacket, readSnapshot } from '#engine/packets/packet.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const facts = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `The depth of the river ${name} on day ${i + 1} is ${31 + (i % 7)}.\n`).join(
    '',
  )
const A = `Facts:\n${facts('Sable', 30)}`

describe('checkpoints of a reading', () => {
  const engines: TestEngine[] = []
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close()
  })
  const start = async () => {
    const engine = await openTestEngine()
    engines.push(engine)
    return engine
  }
  const create = (engine: TestEngine, text: string) =>
    engine.client.call('packets.create', { model: 'starter-mamba', sources: [{ name: 'facts', text }] })
  const stateOf = async ({ engine }: TestEngine, packetId: Digest) => {
    const { blobs } = engine.state.store
    return (await readSnapshot(blobs, await readPacket(blobs, packetId))).recurrent
  }

  it('serve texts that leave a recurrent state before its end: only the rest is read, to the very same bits', async () => {
    const engine = await start()
    await create(engine, A + facts('Kestrel', 30))
    for (const text of [A + facts('Alder', 5), A]) {
      const fresh = await start()
      const [known, read] = [await create(engine, text), await create(fresh, text)]
      const total = read.cartridge.tokens
      expect(read.tokensProcessed).toBe(total)
      expect(known.tokensProcessed).toBeLessThan(total / 2)
      expect((total - known.tokensProcessed) % 64).toBe(0)
      expect(await stateOf(engine, known.cartridge.packetId as Digest)).toEqual(
        await stateOf(fresh, read.cartridge.packetId as Digest),
      )
    }
  })

  it('can be gone when a creation is run again: the same operation comes out', async () => {
    const engine = await start()
    await create(engine, A + facts('Kestrel', 10))
    const { receipt, tokensProcessed, cartridge } = await create(engine, A + facts('Alder', 5))
    expect(tokensProcessed).toBeLessThan(cartridge.tokens)
    await engine.client.call('memory.purge', { tier: 'warm' })
    // Nothing else keeps them, and nothing says so; the state itself is on disk.
    const { moves } = await engine.client.call('memory.status', {})
    const left = moves.filter(({ reason }) => reason === 'purged').map(({ to }) => to)
    expect(new Set(left)).toEqual(new Set(['gone', 'cold']))
    const replayed = await engine.client.call('receipts.replay', { id: receipt.receipt_id })
    expect(replayed).toMatchObject({ same: true })
    // Without them a state that has read further cannot serve, and says so.
    await engine.client.call('memory.purge', { tier: 'warm' })
    const missed = await create(engine, A + facts('Birch', 2))
    expect(missed.tokensProcessed).toBe(missed.cartridge.tokens)
    expect(missed.reuseMissed).toMatch(/begins alike, but has read on after token \d+/)
  })

  it('equal never having read on', async () => {
    const { engine } = await start()
    const { runtime } = await engine.state.models.load('starter-mamba')
    const ids = Int32Array.from({ length: 300 }, (_, i) => (i * 37) % 200)
    const checkpoints: StateSnapshot[] = []
    using session = runtime.newSession()
    // Wherever an append begins, they are at multiples of 64.
    await session.append(ids.subarray(0, 50))
    await session.append(ids.subarray(50), { onCheckpoint: snapshot => void checkpoints.push(snapshot) })
    expect(checkpoints.map(({ position }) => position)).toEqual([64, 128, 192, 256])
    for (const checkpoint of checkpoints) {
      using never = runtime.newSession()
      await never.append(ids.subarray(0, checkpoint.position))
      expect((await never.capture()).recurrent).toEqual(checkpoint.recurrent)
      using rewound = await runtime.restore(checkpoint)
      expect(await rewound.append([7, 9])).toEqual(await never.append([7, 9]))
    }
  })
})

describe('thinning', () => {
  const all = (blocks: number) => Array.from({ length: blocks }, (_, i) => (i + 1) * 64)

  it('keeps the last 8 blocks, and of older ones fewer by powers of two: with the logarithm of what was read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), blocks => {
        const kept = thinned(all(blocks))
        for (const position of all(blocks).slice(-8)) expect(kept.has(position)).toBe(true)
        expect(kept.size).toBeLessThanOrEqual(8 + 5 * Math.max(0, Math.ceil(Math.log2(blocks / 8))))
        // Whoever goes back d blocks reads at most d/2 more again.
        for (let back = 0; back < blocks; back++) {
          const wanted = blocks - back
          const found = [...kept].filter(position => position <= wanted * 64).at(-1) ?? 0
          expect(wanted - found / 64).toBeLessThanOrEqual(back / 2 + 1)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('keeps the same ones when it goes along with the reading', () => {
    let along: number[] = []
    for (const [index, position] of all(700).entries()) {
      along.push(position)
      const kept = thinned(along)
      along = along.filter(at => kept.has(at))
      expect(along).toEqual([...thinned(all(index + 1))])
    }
  })
})
