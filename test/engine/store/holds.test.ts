/** What one process uses is collected by none. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { collectGarbage } from '#engine/store/gc.ts'
import { Holds } from '#engine/store/holds.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { openTestStore, testPacket } from './fixture.ts'

const MINUTE = 60_000

async function shared() {
  const time = { now: Date.now() }
  const clock = () => time.now
  const user = await openTestStore(undefined, { clock })
  const collector = await openTestStore(user.folder, { clock })
  const { packetId } = await user.publishPacket(testPacket('used'))
  time.now += MINUTE
  return { time, user, collector, packetId }
}
const EVERYTHING = { olderThanDays: 0, graceMs: 0 }

it.each([
  ['collected', () => {}],
  ['deleted long ago', (packetId, { library }, now) => library.packets.remove([packetId], now - 8 * 24 * 60 * MINUTE)],
] as const satisfies readonly (readonly [
  string,
  (packetId: Digest, store: Awaited<ReturnType<typeof openTestStore>>, now: number) => void,
])[])('keeps what another process uses when it is %s, until that is over', async (_, remove) => {
  const { time, user, collector, packetId } = await shared()
  const [first, second] = [user.parts.holds.take(packetId), user.parts.holds.take(packetId)]
  remove(packetId, collector, time.now)
  expect(await collector.gc(EVERYTHING)).toMatchObject({ packets: 0, blobs: 0 })
  // However long it is used.
  for (let i = 0; i < 40; i++) {
    time.now += 2 * MINUTE
    user.parts.holds.renew()
  }
  first()
  first()
  user.parts.holds.renew()
  expect(await collector.gc(EVERYTHING)).toMatchObject({ packets: 0, blobs: 0 })
  for (const blob of blobsOf(await user.readManifest(packetId))) await user.blobs.check(blob)
  second()
  // Seen by itself at once, by others when it is renewed next.
  expect(await user.gc({ ...EVERYTHING, dryRun: true })).toMatchObject({ packets: 1 })
  user.parts.holds.renew()
  expect(await collector.gc(EVERYTHING)).toMatchObject({ packets: 1 })
})

it('holds no longer what a process used that closed, or died', async () => {
  const { time, user, collector, packetId } = await shared()
  user.parts.holds.take(packetId)
  expect(await collector.gc(EVERYTHING)).toMatchObject({ packets: 0 })
  time.now += 11 * MINUTE
  expect(await collector.gc({ ...EVERYTHING, dryRun: true })).toMatchObject({ packets: 1 })
  user.parts.holds.renew()
  expect(await collector.gc(EVERYTHING)).toMatchObject({ packets: 0 })
  await user.close()
  expect(await collector.gc(EVERYTHING)).toMatchObject({ packets: 1 })
})

it('keeps what comes into use while it is looked at what is needed', async () => {
  const { user, collector, packetId } = await shared()
  const { packetId: other } = await user.publishPacket({ ...testPacket('other'), names: ['other'] })
  const reads: Promise<unknown>[] = []
  const { blobs } = collector.parts
  const collected = await collectGarbage(
    {
      ...collector.parts,
      blobs: Object.assign(Object.create(blobs), {
        read: async (...of: Parameters<typeof blobs.read>) => {
          const read = blobs.read(...of)
          reads.push(read)
          await sleep(1)
          user.parts.holds.take(packetId)
          return read
        },
      }),
    },
    EVERYTHING,
  )
  expect(reads.length).toBeGreaterThan(0)
  expect(collected).toMatchObject({ packets: 0, blobs: 0 })
  for (const id of [packetId, other])
    for (const blob of blobsOf(await user.readManifest(id))) await user.blobs.check(blob)
})

it('shows a hold as soon as the library takes it, where it did not at first', async () => {
  const { collector, user, packetId } = await shared()
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  try {
    const { connection, referrers } = user.library
    const holds = new Holds(referrers, { now: Date.now, isReadOnly: false })
    const seen = () => [...collector.library.referrers.held(Date.now(), 'another')]
    connection.pragma('query_only = 1')
    const release = holds.take(packetId)
    vi.advanceTimersByTime(6 * MINUTE)
    expect(seen()).toEqual([])
    connection.pragma('query_only = 0')
    vi.advanceTimersByTime(2 * MINUTE)
    expect(seen()).toEqual([packetId])
    release()
    vi.advanceTimersByTime(2 * MINUTE)
    expect([seen(), vi.getTimerCount()]).toEqual([[], 0])
    // A mistake is told, as nothing that the disk did.
    connection.close()
    expect(() => holds.take(packetId)).toThrow(TypeError)
    holds.close()
  } finally {
    vi.useRealTimers()
  }
})
