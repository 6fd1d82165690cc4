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
      unstored.add({ ...ids, cost: 64, layers: [base, own] }, [manifest, base, own])
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

  it('stay in memory, counted, while the disk refuses them, and go there once it does not', async () => {
    const store = await openTestStore()
    const moves: string[] = []
    const warm = new MemoryTier('warm', {
      budget: 150,
      onMove: ({ from, to, reason }) => moves.push(`${from} to ${to}: ${reason}`),
    })
    let isFull = true
    const unstored = new UnstoredPackets(warm, {
      blobs: store.blobs,
      writer: {
        putMany: blobs => (isFull ? Promise.reject(new Error('the disk is full')) : store.writer.putMany(blobs)),
      },
      onMove: () => {},
      onForget: () => {},
    })
    const add = (name: string) => {
      const manifest = blob(name)
      unstored.add({ packetId: manifest.digest, contextId: blob(`context ${name}`).digest, cost: 1, layers: [] }, [
        manifest,
      ])
      return manifest
    }
    const [first, second] = [add('first'), add('second')]
    await unstored.settle()
    const refused = 'cold to warm: the disk refused it'
    expect(moves.slice(2)).toEqual(
      [second, first].flatMap(({ digest }) => [`warm to cold: room for ${digest}`, refused]),
    )
    expect(warm.bytes).toBe(200)
    expect(await unstored.read(first)).toEqual(first.bytes)
    isFull = false
    add('third')
    await unstored.settle()
    expect(unstored.inMemory(first.digest)).toBeNull()
    expect(await unstored.read(first)).toEqual(first.bytes)
    expect(warm.bytes).toBe(100)
    await store.close()
  })

  it('stay while they are recent: a short one of long ago is worth no more by the byte, nor is what describes it', async () => {
    const store = await openTestStore()
    const groups: number[] = []
    const warm = new MemoryTier('warm', { budget: 200_000 })
    const unstored = new UnstoredPackets(warm, {
      blobs: store.blobs,
      writer: {
        putMany: blobs => {
          groups.push(blobs.length)
          return store.writer.putMany(blobs)
        },
      },
      onMove: () => {},
      onForget: () => {},
    })
    // A conversation that grows by a token with each step: its last block by a kilobyte, until the block is full.
    const steps = Array.from({ length: 128 }, (_, at) => {
      const rows = (at % 64) + 1
      const [manifest, own] = [blob(`manifest ${at}`), newBlob('x/y', noise(`rows ${at}`, rows * 1000))]
      return { rows, manifest, own, contextId: blob(`context ${at}`).digest, packetId: manifest.digest }
    })
    for (const { rows, manifest, own, ...ids } of steps)
      unstored.add({ ...ids, cost: rows, layers: [own] }, [manifest, own])
    const inMemory = steps.filter(({ manifest, own }) =>
      [manifest, own].every(({ digest }) => unstored.inMemory(digest) !== null && warm.bytesOf(manifest.digest) > 100),
    )
    expect(inMemory.map(({ rows }) => rows)).toEqual([62, 63, 64])
    // What leaves at once is written at once.
    await unstored.settle()
    expect(groups.length).toBeLessThanOrEqual(2)
    expect(unstored.inMemory(steps[0]?.own.digest ?? blob('').digest)).toBeNull()
    await store.close()
  })
})
