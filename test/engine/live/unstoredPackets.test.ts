import { describe, expect, it } from 'vitest'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { UnstoredPackets } from '#engine/live/unstoredPackets.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import { noise, openTestStore } from '../store/fixture.ts'

const blob = (seed: string) => newBlob('x/y', noise(seed, 100))

describe('packets that nobody stored', () => {
  it('are forgotten in the order of their use, with what only they needed, and no byte stays counted', async () => {
    const store = await openTestStore()
    const warm = new MemoryTier('warm', { budget: 10_000 })
    const [moved, forgotten]: [string[], string[]] = [[], []]
    const unstored = new UnstoredPackets(warm, {
      ...{ blobs: store.blobs, writer: store.writer, most: 3 },
      onMove: digest => moved.push(digest),
      onForget: packetId => forgotten.push(packetId),
    })
    const base = blob('base')
    const packets = ['a', 'b', 'c', 'd', 'e'].map(name => {
      const [manifest, own] = [blob(`manifest ${name}`), blob(`own ${name}`)]
      return { manifest, own, contextId: blob(`context ${name}`).digest, packetId: manifest.digest }
    })
    const add = ({ manifest, own, ...ids }: (typeof packets)[number]) =>
      unstored.add({ ...ids, tokens: 64, layers: [base, own] }, [manifest, base, own])
    const [a, b, c, d, e] = packets as [
      (typeof packets)[0],
      (typeof packets)[0],
      (typeof packets)[0],
      (typeof packets)[0],
      (typeof packets)[0],
    ]
    for (const packet of [a, b, c]) add(packet)
    expect(unstored.packetOf(a.contextId)).toBe(a.packetId)
    add(d)
    expect(forgotten).toEqual([b.packetId])
    expect(unstored.packetOf(b.packetId)).toBeNull()
    expect(unstored.packetOf(b.contextId)).toBeNull()
    expect(moved.sort()).toEqual([b.manifest.digest, b.own.digest].sort())
    // The base is needed by the others.
    expect(unstored.inMemory(base.digest)).not.toBeNull()
    expect(unstored.liveDigests().has(b.own.digest)).toBe(false)
    expect(warm.bytes).toBe(100 * (1 + 2 * 3))

    // On its way to disk or there: forgetting it is the same.
    warm.budget = 0
    await unstored.settle()
    expect(new TextDecoder().decode(await unstored.read(a.own))).toBe(new TextDecoder().decode(a.own.bytes))
    for (const packet of [e, b]) add(packet)
    await unstored.settle()
    expect(forgotten).toEqual([b.packetId, c.packetId, a.packetId])
    expect(warm.bytes).toBe(0)
    expect([...unstored.liveDigests()].sort()).toEqual(
      [base, ...[d, e, b].flatMap(({ manifest, own }) => [manifest, own])].map(({ digest }) => digest).sort(),
    )
    await store.close()
  })
})
