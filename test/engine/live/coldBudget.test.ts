/** What is given up on disk where what is stored takes more than its budget, and what never is. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { ColdBudget } from '#engine/live/coldBudget.ts'
import { sha256 } from '#engine/sha256.ts'
import { DiskUse } from '#engine/store/diskUse.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { openTestStore, testPacket } from '../store/fixture.ts'

const HOUR = 3600_000
/** What an answer told, where that does not matter. */
const told = { request: sha256('request'), response: {}, input: [] }
const PLACE = { registry: 'registry.example:5000', repository: 'team/states' }

it('gives up copies that the registry has and nobody made their own, least worth first, and what nothing refers to', async () => {
  const time = { now: Date.now() }
  const store = await openTestStore(undefined, { clock: () => time.now })
  const { packets, remotes, usage, conversations, collections } = store.library
  const enter = async (seed: string, { names = [] as string[], trust = 'trusted' as const } = {}) => {
    const { packetId } = await store.publishPacket({ ...testPacket(seed), names, trust })
    remotes.add(PLACE, packetId, time.now)
    return packetId
  }
  const use = (packetId: Digest, asks: number) =>
    usage.add({ packetId, asks, tokensSaved: 1, secondsSaved: 1, usedAt: time.now })
  const { packetId: own } = await store.publishPacket(testPacket('own'))
  remotes.add(PLACE, own, time.now)
  const often = await enter('often used')
  const seldom = await enter('seldom used')
  const never = await enter('never used')
  const elsewhere = (await store.publishPacket({ ...testPacket('elsewhere'), trust: 'trusted' })).packetId
  const [named, tagged, pinned] = [
    await enter('named', { names: ['Mine'] }),
    await enter('tagged'),
    await enter('pinned'),
  ]
  const [inSlot, collected, recent] = [await enter('in a slot'), await enter('collected'), await enter('recent')]
  packets.setTags(tagged, ['t'])
  packets.setPinned(pinned, true)
  conversations.save('conversation', { slots: [inSlot] }, time.now)
  collections.save('collection', { name: 'Both', packetIds: [collected, own] }, time.now)
  use(often, 9)
  use(seldom, 1)
  const { packetId: deleted } = await store.publishPacket(testPacket('deleted'))
  packets.remove([deleted], time.now - 8 * 24 * HOUR)
  time.now += 2 * HOUR
  use(recent, 1)
  const goesOn = await enter('an operation goes on from it')

  const { diskUse } = store.parts
  const all = await diskUse.bytes()
  const one = all / 13
  const moves: string[] = []
  let lessened = 0
  const budget = new ColdBudget(new MemoryTier('cold', { budget: 0 }), {
    ...{ store, limit: all, registry: PLACE, keep: () => new Set<Digest>() },
    onMove: ({ label, from, to }) => moves.push(`${label} ${from} ${to}`),
    onLess: () => lessened++,
    onGone: () => {},
  })
  const standing = () => new Set(packets.all().map(row => row.packetId))
  const roomFor = async (limit: number | null) => {
    await budget.set(limit)
    await budget.refresh()
    await budget.settle()
    return budget.refresh()
  }
  expect(await budget.refresh()).toEqual({ limit: all, own: all })
  await budget.settle()
  expect(standing().size).toBe(13)

  // Room is made down to nine tenths: what was deleted, and one or two more.
  const { own: left, limit } = await roomFor(all - 1)
  expect(left).toBeLessThanOrEqual(limit * 0.9)
  expect(left).toBeGreaterThan(limit * 0.9 - 2 * one)
  expect([standing().has(deleted), standing().has(never), standing().has(often)]).toEqual([false, false, true])
  expect(moves[0]).toBe(`${never} cold registry`)

  // One that an operation named a moment ago stays until an hour has passed.
  time.now += 2 * HOUR
  use(recent, 1)
  budget.use(goesOn)
  // However little there may be, what somebody made their own stays whole, and so does what nobody could fetch again.
  const { own: rest } = await roomFor(0)
  expect(standing()).toEqual(new Set([own, elsewhere, named, tagged, pinned, inSlot, collected, recent, goesOn]))
  // Said once, of what the tier lost: it has nothing to lose again.
  expect(lessened).toBe(1)
  expect(moves).toEqual([never, seldom, often].map(packetId => `${packetId} cold registry`))
  for (const packetId of standing())
    for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
  expect(rest).toBeGreaterThan(7 * one)
  time.now += HOUR / 2
  await roomFor(0)
  expect(standing().has(goesOn)).toBe(true)
  time.now += HOUR
  await roomFor(0)
  expect([standing().has(goesOn), standing().has(recent)]).toEqual([false, false])
  // Counted as it is on the disk, also what another process put there.
  const { own: counted } = await budget.refresh()
  expect(counted).toBe(await new DiskUse(store.parts.fs, store.parts.layout).bytes())
  await writeFile(join(store.parts.layout.blobs, 'a'.repeat(64)), new Uint8Array(1000))
  time.now += HOUR
  expect((await budget.refresh()).own).toBe(counted + 1000)
  await budget.settle()
})

it('counts what answers told, and takes what was let go an hour later, and nothing that is used', async () => {
  const time = { now: Date.now() }
  const store = await openTestStore(undefined, { clock: () => time.now })
  const { packets, answers, retained } = store.library
  const publish = async (seed: string) =>
    (await store.publishPacket({ ...testPacket(seed), isRetained: true })).packetId
  const [gone, used, stays] = [await publish('gone'), await publish('used'), await publish('stays')]
  const keep = (packetId: Digest) =>
    answers.keep({
      id: packetId,
      packetId,
      rootPacketId: packetId,
      at: 1,
      ...told,
      input: [{ text: 'x'.repeat(5000) }],
    })
  for (const packetId of [gone, used, stays]) keep(packetId)
  const budget = new ColdBudget(new MemoryTier('cold', { budget: 0 }), {
    ...{ store, limit: 2 ** 40, registry: null, keep: () => new Set<Digest>() },
    ...{ onLess: () => {}, onGone: () => {}, onMove: () => {} },
  })
  const blobs = await store.parts.diskUse.bytes()
  expect((await budget.refresh()).own).toBe(blobs + answers.bytes())
  expect(answers.bytes()).toBeGreaterThan(15_000)
  await budget.settle()
  for (const packetId of [gone, used]) {
    answers.delete(packetId)
    retained.letGo(packetId, time.now)
  }
  const release = store.parts.holds.take(used)
  const after = async (milliseconds: number) => {
    time.now += milliseconds
    await budget.refresh()
    await budget.settle()
    return packets.all().map(row => row.packetId)
  }
  expect(await after(HOUR / 2)).toEqual([gone, used, stays])
  expect(await after(HOUR)).toEqual([used, stays])
  release()
  expect(await after(2 * HOUR)).toEqual([stays])
  expect(await store.parts.diskUse.bytes()).toBeLessThan(blobs)
  // Room for the blob alone is too little for both.
  await budget.set((await store.parts.diskUse.bytes()) + answers.bytes() - 1)
  expect(await after(0)).toEqual([])
  expect(answers.bytes()).toBe(0)
})

it('gives up states of answers that are old, or too much for the disk, and none that is anybody’s own', async () => {
  const time = { now: Date.now() }
  const store = await openTestStore(undefined, { clock: () => time.now })
  const { packets, remotes, usage, answers } = store.library
  const keep = async (seed: string) => (await store.publishPacket({ ...testPacket(seed), isRetained: true })).packetId
  const own = (await store.publishPacket(testPacket('own'))).packetId
  // Made before an answer led to it, and after.
  await keep('own')
  const madeAgain = await keep('made again')
  await store.publishPacket(testPacket('made again'))
  const [named, pinned, waiting] = [await keep('named'), await keep('pinned'), await keep('waits for its push')]
  packets.names.add(named, 'Mine', time.now)
  packets.setPinned(pinned, true)
  remotes.addPush(PLACE, waiting)
  const theirs = [own, madeAgain, named, pinned, waiting]
  const [old, used, again] = [await keep('old'), await keep('used'), await keep('again')]
  answers.keep({ id: 'resp_old', rootPacketId: own, packetId: old, at: time.now, ...told })
  answers.keep({ id: 'resp_on', rootPacketId: old, packetId: used, at: time.now, ...told })
  const gone: Digest[] = []
  const moves: string[] = []
  const budget = new ColdBudget(new MemoryTier('cold', { budget: 0 }), {
    ...{ store, limit: 2 ** 40, registry: null, keep: () => new Set<Digest>() },
    onLess: () => {},
    onGone: packetIds => gone.push(...packetIds),
    onMove: ({ label, to, reason }) => moves.push(`${label} ${to}: ${reason}`),
  })
  const standing = async () => {
    await budget.refresh()
    await budget.settle()
    return new Set(packets.all().map(row => row.packetId))
  }
  time.now += 29 * 24 * HOUR
  usage.add({ packetId: used, asks: 1, tokensSaved: 1, secondsSaved: 1, usedAt: time.now })
  const young = await keep('young')
  // The same answer, asked for once more.
  await keep('again')
  expect(await standing()).toEqual(new Set([...theirs, old, used, again, young]))
  expect(answers.packetOf('resp_old')).toBe(old)

  time.now += 2 * 24 * HOUR
  expect(await standing()).toEqual(new Set([...theirs, used, again, young]))
  expect([moves, answers.packetOf('resp_old')]).toEqual([[`${old} gone: not used for 30 days`], null])
  expect([gone, answers.packetOf('resp_on')]).toEqual([[old], used])

  // However little there may be: not what an operation went on from within the hour, and nothing of anybody's own.
  budget.use(young)
  await budget.set(0)
  expect(await standing()).toEqual(new Set([...theirs, young]))
  expect(moves).toContain(`${used} gone: what is stored takes more than the budget`)
  time.now += 2 * HOUR
  expect(await standing()).toEqual(new Set(theirs))
  for (const packetId of theirs)
    for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
})
