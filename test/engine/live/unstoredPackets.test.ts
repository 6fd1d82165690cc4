import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { UnstoredPackets } from '#engine/live/unstoredPackets.ts'
import type { Fs } from '#engine/store/fs.ts'
import { type NewBlob, newBlob } from '#engine/store/newBlob.ts'
import { nodeFs } from '#engine/store/nodeFs.ts'
import type { Store } from '#engine/store/store.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { systemError } from '../../crash/simulatedDisk.ts'
import { codeOf, noise, openTestStore } from '../store/fixture.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const blob = (seed: string) => newBlob('x/y', noise(seed, 100))
const [onMove, onForget] = [() => {}, () => {}]
/** Bytes on disk of what left memory. */
const spilled = ({ parts }: Store) =>
  readdirSync(parts.layout.unstored).reduce((sum, name) => sum + statSync(join(parts.layout.unstored, name)).size, 0)

/** The real disk; tells of files of what left memory that are made, and, once they are over, of writes to them. */
function watched(onCall: (call: 'open' | 'write') => void): Fs {
  return {
    ...nodeFs,
    open: async (path, mode) => {
      const file = await nodeFs.open(path, mode)
      if (!path.includes('unstored')) return file
      onCall('open')
      const inner = file.writeAt.bind(file)
      const writeAt: typeof inner = async (position, pieces) => {
        await inner(position, pieces)
        onCall('write')
      }
      return Object.assign(file, { writeAt })
    },
  }
}

describe('packets that nobody stored', () => {
  it('are forgotten in the order of their use, with what only they needed, and no byte stays counted', async () => {
    const store = await openTestStore()
    const warm = new MemoryTier('warm', { budget: 10_000 })
    const [moved, forgotten]: [string[], string[]] = [[], []]
    const cold = new MemoryTier('cold', { budget: 10_000 })
    const unstored = new UnstoredPackets({
      ...{ warm, cold, store: store.parts, most: 3 },
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
    unstored.use(a.packetId)
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
    expect(cold.bytes).toBe(spilled(store))
    expect([...unstored.liveDigests()].sort()).toEqual(
      [base, ...[d, e, b].flatMap(({ manifest, own }) => [manifest, own])].map(({ digest }) => digest).sort(),
    )
    await unstored.close()
    expect([cold.bytes, spilled(store)]).toEqual([0, 0])
    await store.close()
  })

  it('stay in memory where writing them fails, which is told unless it was the disk', async () => {
    const store = await openTestStore()
    const told: unknown[] = []
    const [warm, cold] = [new MemoryTier('warm', { budget: 150 }), new MemoryTier('cold', { budget: 10_000 })]
    let fault: Error = systemError('ENOSPC', 'x')
    const unstored = new UnstoredPackets({
      ...{ warm, cold, store: store.parts, onMove, onForget, prepare: () => Promise.reject(fault) },
      log: { failed: (_, thrown) => told.push(thrown) },
    })
    const manifests = ['first', 'second'].map(blob)
    for (const manifest of manifests)
      unstored.add({ packetId: manifest.digest, contextId: blob(`${manifest.digest}`).digest, cost: 1, layers: [] }, [
        manifest,
      ])
    await unstored.settle()
    expect(told).toEqual([])
    fault = new TypeError('not a function')
    const third = blob('third')
    unstored.add({ packetId: third.digest, contextId: blob('context').digest, cost: 1, layers: [] }, [third])
    await unstored.settle()
    expect([...new Set(told)]).toEqual([fault])
    for (const manifest of [...manifests, third]) expect(await unstored.read(manifest)).toEqual(manifest.bytes)
    await unstored.close()
  })

  it('stay in memory, counted, while the disk refuses them, and go there once it does not', async () => {
    let isFull = false
    const fs: Fs = {
      ...nodeFs,
      open: (path, mode) => (isFull ? Promise.reject(systemError('ENOSPC', path)) : nodeFs.open(path, mode)),
    }
    const store = await openTestStore(undefined, { fs })
    const moves: string[] = []
    const warm = new MemoryTier('warm', {
      budget: 150,
      onMove: ({ from, to, reason }) => moves.push(`${from} to ${to}: ${reason}`),
    })
    isFull = true
    const cold = new MemoryTier('cold', { budget: 10_000 })
    const unstored = new UnstoredPackets({ ...{ warm, cold, store: store.parts }, ...{ onMove, onForget } })
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
    expect([warm.bytes, cold.bytes]).toEqual([100, 200])
    await unstored.close()
    await store.close()
  })

  it('stay while they are recent: a short one of long ago is worth no more by the byte, nor is what describes it', async () => {
    const calls: string[] = []
    const store = await openTestStore(undefined, { fs: watched(call => calls.push(call)) })
    const warm = new MemoryTier('warm', { budget: 200_000 })
    const cold = new MemoryTier('cold', { budget: 1e9 })
    const unstored = new UnstoredPackets({ ...{ warm, cold, store: store.parts }, ...{ onMove, onForget } })
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
    // What leaves in one turn is written in one go, and all of it to one file.
    await unstored.settle()
    expect(calls.filter(call => call === 'open')).toHaveLength(1)
    expect(calls.filter(call => call === 'write')).toHaveLength(1)
    expect(unstored.inMemory(steps[0]?.own.digest ?? blob('').digest)).toBeNull()
    await unstored.close()
    await store.close()
  })
})

describe('what leaves memory', () => {
  /** Steps of a kilobyte, each added when what the one before made leave is written. */
  async function steps(budget: number) {
    const calls: string[] = []
    const moves: string[] = []
    const store = await openTestStore(undefined, { fs: watched(call => calls.push(call)) })
    const warm = new MemoryTier('warm', { budget, onMove: ({ reason }) => moves.push(reason) })
    const cold = new MemoryTier('cold', { budget: 1e9 })
    const unstored = new UnstoredPackets({ ...{ warm, cold, store: store.parts }, ...{ onMove, onForget } })
    const made: NewBlob[] = []
    let least = budget
    for (let at = 0; at < 128; at++) {
      const own = newBlob('x/y', noise(`step ${at}`, 1000))
      const ids = { packetId: own.digest, contextId: blob(`context ${at}`).digest }
      unstored.add({ ...ids, cost: 1, layers: [] }, [own])
      made.push(own)
      await unstored.settle()
      expect(warm.bytes).toBeLessThanOrEqual(budget)
      if (at >= 64) least = Math.min(least, warm.bytes)
    }
    const writes = calls.filter(call => call === 'write').length
    const inMemory = made.map(({ digest }) => unstored.inMemory(digest) !== null)
    for (const one of made) expect(await unstored.read(one)).toEqual(one.bytes)
    await unstored.close()
    await store.close()
    return { writes, least, inMemory, moves }
  }

  it('takes along what would leave next, up to a sixteenth of the budget, so that few writes are made', async () => {
    const { writes, least, inMemory, moves } = await steps(64_000)
    expect(writes).toBe(16)
    // The first step beyond the budget takes three along: then there is room for four.
    expect(least).toBe(61_000)
    expect(inMemory).toEqual(inMemory.map((_, at) => at >= 64))
    expect(moves.filter(reason => reason === 'it leaves with others')).toHaveLength(48)
  })

  it('takes nothing along that is larger than that', async () => {
    const { writes, inMemory } = await steps(8000)
    expect(writes).toBe(120)
    expect(inMemory.filter(Boolean)).toHaveLength(8)
  })
})

describe('the cold tier', () => {
  const KB = 1000
  /** A conversation in steps: each has what it read, and needs what all before it read. */
  async function conversation({ budget, fs = nodeFs }: { budget: number; fs?: Fs }) {
    const store = await openTestStore(undefined, { fs })
    const [warm, cold] = [new MemoryTier('warm', { budget: 0 }), new MemoryTier('cold', { budget })]
    const releases: (() => void)[] = []
    const forgotten = new Set<string>()
    const unstored = new UnstoredPackets({
      ...{ warm, cold, store: store.parts, onMove },
      onForget: packetId => forgotten.add(packetId),
      whenOver: release => releases.push(release) > 0,
    })
    const layers: NewBlob[] = []
    const packets: { packetId: Digest; own: NewBlob }[] = []
    const step = async (bytes = KB, from = layers.length) => {
      const name = `${packets.length}`
      const [manifest, own] = [blob(`manifest ${name}`), newBlob('x/y', noise(`own ${name}`, bytes))]
      const packetId = manifest.digest
      unstored.add(
        { packetId, contextId: blob(`context ${name}`).digest, cost: 64, layers: [...layers.slice(0, from), own] },
        [manifest, own],
      )
      layers.push(own)
      packets.push({ packetId, own })
      await unstored.settle()
      return { packetId, own }
    }
    const isThere = ({ packetId }: { packetId: Digest }) => unstored.packetOf(packetId) !== null
    return { store, warm, cold, unstored, releases, forgotten, packets, step, isThere }
  }

  it('never has more on disk than its budget, and what it has can be read', async () => {
    const budget = 20 * KB
    let peak = 0
    const fs = watched(call => {
      if (call === 'write') peak = Math.max(peak, spilled(store))
    })
    const { store, cold, unstored, packets, step, isThere } = await conversation({ budget, fs })
    // Each of them begins anew.
    for (let at = 0; at < 60; at++) await step(500 + ((at * 397) % 2000), 0)
    expect(peak).toBeGreaterThan(budget / 2)
    expect(peak).toBeLessThanOrEqual(budget)
    expect(cold.bytes).toBeLessThanOrEqual(spilled(store))
    expect(packets.filter(isThere).length).toBeGreaterThan(5)
    const readAll = async () => {
      for (const { packetId, own } of packets.filter(isThere)) {
        expect(await unstored.read(own)).toEqual(own.bytes)
        expect((await unstored.read(packetId)).byteLength).toBe(100)
      }
    }
    await readAll()
    const gone = packets.find(packet => !isThere(packet))
    expect(await codeOf(unstored.read(gone?.own ?? blob('none')))).toBe('E_MISSING_BLOB')
    // The budget lowered: at once, and what stays has come along, however it lay in the file.
    for (const less of [15, 11, 8, 5]) {
      cold.budget = less * KB
      // Also while it is read.
      await Promise.all([unstored.settle(), readAll()])
      expect(spilled(store)).toBeLessThanOrEqual(less * KB)
      expect(packets.filter(isThere).length).toBeGreaterThan(1)
      await readAll()
    }
    await unstored.close()
    await store.close()
  })

  it('keeps beginnings longer than what is of use only after them, and forgets what cannot be had without what it gave up', async () => {
    const { store, cold, unstored, packets, forgotten, step, isThere } = await conversation({ budget: 12 * KB })
    for (let at = 0; at < 10; at++) await step()
    expect(packets.every(isThere)).toBe(true)
    // Ten others, each alone, of which there is room for one: the first steps, which all later ones need, stay.
    for (let at = 0; at < 10; at++) await step(KB, 0)
    expect(packets.slice(0, 5).every(isThere)).toBe(true)
    // Whatever can be resolved is whole.
    for (const [at, packet] of packets.slice(0, 10).entries()) {
      expect(isThere(packet)).toBe(!forgotten.has(packet.packetId))
      if (!isThere(packet)) continue
      for (const { own } of packets.slice(0, at + 1)) expect(await unstored.read(own)).toEqual(own.bytes)
    }
    cold.budget = 0
    await unstored.settle()
    expect(packets.some(isThere)).toBe(false)
    expect([spilled(store), cold.bytes]).toEqual([0, 0])
    await unstored.close()
    await store.close()
  })

  it('gives up nothing that an operation uses, on disk or on its way there, until the operation is over', async () => {
    const { store, warm, cold, unstored, packets, releases, step, isThere } = await conversation({ budget: 3 * KB })
    const used = await step()
    unstored.use(used.packetId)
    for (let at = 0; at < 5; at++) await step(KB, 0)
    expect(isThere(used)).toBe(true)
    // What an operation uses and the disk has no room for stays in memory.
    warm.budget = 10 * KB
    const late = await step(2 * KB, 0)
    unstored.use(late.packetId)
    warm.budget = 0
    await unstored.settle()
    expect(isThere(late)).toBe(true)
    expect(await unstored.read(late.own)).toEqual(late.own.bytes)
    cold.budget = 0
    await unstored.settle()
    expect(packets.filter(isThere)).toEqual([used, late])
    for (const release of releases) release()
    await step()
    expect(packets.some(isThere)).toBe(false)
    expect([spilled(store), cold.bytes, warm.bytes]).toEqual([0, 0, 0])
    await unstored.close()
    await store.close()
  })

  it('keeps nothing in memory of what is on disk', async () => {
    const { store, unstored } = await conversation({ budget: 100 * KB })
    const leave = async () => {
      const blobs = Array.from({ length: 3 }, (_, at) => blob(`leaves ${at}`))
      for (const { digest, ...rest } of blobs) {
        const packet = { packetId: digest, contextId: blob(`context ${digest}`).digest, cost: 1, layers: [] }
        unstored.add(packet, [{ digest, ...rest }])
      }
      await unstored.settle()
      return blobs.map(({ digest, bytes }) => ({ digest, bytes: new WeakRef(bytes) }))
    }
    const left = await leave()
    // A reference that was just made is kept until the next turn of the loop.
    await setImmediate()
    collectGarbage()
    expect(left.filter(({ bytes }) => bytes.deref() !== undefined)).toEqual([])
    expect(left.every(({ digest }) => unstored.has(digest))).toBe(true)
    await unstored.close()
    await store.close()
  })

  it('gives out no byte that is not the one that left memory', async () => {
    const { store, unstored, step } = await conversation({ budget: 10 * KB })
    const { own } = await step()
    const [name = ''] = readdirSync(store.parts.layout.unstored)
    writeFileSync(join(store.parts.layout.unstored, name), noise('other', 1100))
    expect(await codeOf(unstored.read(own))).toBe('E_CORRUPT')
    await unstored.close()
    await store.close()
  })
})
