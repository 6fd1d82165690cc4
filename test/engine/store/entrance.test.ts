import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Entrance, type Outcome } from '#engine/store/entrance.ts'
import { buildManifest } from '#engine/store/manifests.ts'
import { type Arrival, enterTogether } from '#engine/store/publish.ts'
import type { Store } from '#engine/store/store.ts'
import { openTestStore, testPacket } from './fixture.ts'

const open = { exclusive: <T>(work: () => Promise<T>) => work() }

describe('the way through a lock', () => {
  it('takes along, next time, everyone who came while others were inside', async () => {
    const groups: (readonly string[])[] = []
    const firstIsOver = Promise.withResolvers<void>()
    const entrance = new Entrance<string, string>(open, async items => {
      groups.push(items)
      if (groups.length === 1) await firstIsOver.promise
      return items.map(item => ({ done: `${item} was in` }))
    })
    const results = ['a', 'b', 'c', 'd'].map(item => entrance.enter(item))
    firstIsOver.resolve()
    expect(await Promise.all(results)).toEqual(['a was in', 'b was in', 'c was in', 'd was in'])
    expect(groups).toEqual([['a'], ['b', 'c', 'd']])
    expect(await entrance.enter('e')).toBe('e was in')
  })

  it('fails for each by itself, for all of a group where its work fails, and goes on', async () => {
    const groups: (readonly string[])[] = []
    const entrance = new Entrance<string, string>(open, async items => {
      groups.push(items)
      if (items.includes('broken')) throw new Error('the disk')
      const outcome = (item: string): Outcome<string> => {
        if (item === 'bad') return { failed: new Error('this one') }
        return item === 'late' && items.length > 1 ? 'again' : { done: item }
      }
      return items.map(outcome)
    })
    const results = await Promise.allSettled(['first', 'bad', 'late', 'good'].map(item => entrance.enter(item)))
    expect(results.map(result => (result.status === 'fulfilled' ? result.value : result.reason.message))).toEqual([
      'first',
      'this one',
      'late',
      'good',
    ])
    expect(groups).toEqual([['first'], ['bad', 'late', 'good'], ['late']])
    const broken = await Promise.allSettled(['broken', 'with it'].map(item => entrance.enter(item)))
    expect(broken.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await entrance.enter('after')).toBe('after')
  })

  it('refuses those who waited when the lock could not be had, not who came later', async () => {
    const refusal = Promise.withResolvers<never>()
    let asked = 0
    const lock = {
      exclusive: async <T>(work: () => Promise<T>): Promise<T> =>
        asked++ === 0 ? await refusal.promise : await work(),
    }
    const entrance = new Entrance<string, string>(lock, async items => items.map(done => ({ done })))
    const early = entrance.enter('early')
    const late = entrance.enter('late')
    refusal.reject(new Error('busy'))
    await expect(early).rejects.toThrow('busy')
    expect(await late).toBe('late')
  })
})

/** A packet whose bytes are in the store, on its way into the library. */
async function arrival(
  store: Store,
  packet: ReturnType<typeof testPacket>,
  rest: Partial<Arrival> = {},
): Promise<Arrival> {
  const { manifest, blob, newBlobs } = buildManifest(packet.config, packet.layers)
  const { bytesWritten } = await store.writer.putMany([...newBlobs, blob])
  return { manifest, manifestBlob: blob, newBlobs, bytesWritten, ...rest }
}

describe('packets that come together', () => {
  it('are signed together, all before any is seen', async () => {
    const store = await openTestStore()
    const all = Promise.withResolvers<void>()
    let asked = 0
    const receipt = async ({ packetId }: { packetId: string }) => {
      if (++asked === 3) all.resolve()
      // None gets further while another has not been asked.
      await all.promise
      expect((await store.list()).total, packetId).toBe(0)
    }
    const arrivals = await Promise.all(['a', 'b', 'c'].map(seed => arrival(store, testPacket(seed), { receipt })))
    const outcomes = await enterTogether(store.parts, arrivals)
    expect(outcomes.map(doneBy)).toEqual(arrivals.map(({ manifestBlob }) => manifestBlob.digest))
    expect((await store.list()).total).toBe(3)
  })

  it('stand when one of them is refused, which leaves nothing of itself', async () => {
    const store = await openTestStore()
    const refuse = () => {
      throw new Error('refused')
    }
    const lost = testPacket('lost')
    const [first] = lost.layers
    const arrivals = [
      await arrival(store, testPacket('a')),
      await arrival(store, lost, { newBlobs: [] }),
      await arrival(store, testPacket('unsigned'), { receipt: async () => refuse() }),
      await arrival(store, testPacket('undecided'), {
        names: ['Undecided'],
        decide: () => {
          store.library.settings.set('decided', true)
          refuse()
        },
      }),
      await arrival(store, testPacket('b'), { names: ['B'], decide: () => store.library.settings.set('b', true) }),
    ]
    unlinkSync(join(store.folder, 'blobs/sha256', first?.digest.slice('sha256:'.length) ?? ''))
    const outcomes = await enterTogether(store.parts, arrivals)
    expect(outcomes.map(outcome => outcome !== 'again' && 'done' in outcome)).toEqual([true, false, false, false, true])
    expect((await store.list()).total).toBe(2)
    expect(store.library.packets.names.named('B')).toBe(arrivals[4]?.manifestBlob.digest)
    expect(store.library.packets.names.named('Undecided')).toBeNull()
    expect(store.library.settings.all()).toEqual({ b: true })
  })

  it('are one where they have the same context: the others are given the first', async () => {
    const store = await openTestStore()
    const same = (seed: string) => arrival(store, testPacket(seed, { context: 'same' }))
    const [a, b, other, c] = [
      await same('a'),
      await same('b'),
      await arrival(store, testPacket('other')),
      await same('c'),
    ]
    const outcomes = await enterTogether(store.parts, [a, b, other, c])
    expect(outcomes.map(doneBy)).toEqual([a.manifestBlob.digest, 'again', other.manifestBlob.digest, 'again'])
    const later = await enterTogether(store.parts, [b])
    expect(later).toMatchObject([{ done: { packetId: a.manifestBlob.digest, cacheHit: true } }])
    expect((await store.list()).total).toBe(2)
  })

  it('are published, and known to their index later, where it cannot be written now', async () => {
    const store = await openTestStore()
    const same = (seed: string) => arrival(store, testPacket(seed, { context: 'same' }))
    const arrivals = [await same('a'), await same('b'), await arrival(store, testPacket('other'))]
    const { connection } = store.library
    connection.exec("CREATE TRIGGER idx.refuse BEFORE INSERT ON packets BEGIN SELECT RAISE(ABORT, 'refused'); END")
    const outcomes = await enterTogether(store.parts, arrivals)
    connection.exec('DROP TRIGGER idx.refuse')
    expect(outcomes.map(doneBy)).toEqual([arrivals[0]?.manifestBlob.digest, 'again', arrivals[2]?.manifestBlob.digest])
    expect(store.index.missing()).toHaveLength(2)
    expect((await store.list()).total).toBe(2)
  })
})

function doneBy(outcome: Awaited<ReturnType<typeof enterTogether>>[number]): unknown {
  return typeof outcome === 'object' && 'done' in outcome ? outcome.done.packetId : outcome
}
