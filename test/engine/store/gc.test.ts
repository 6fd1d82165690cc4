import { existsSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import { nodeFs } from '#engine/store/nodeFs.ts'
import type { Store } from '#engine/store/store.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { blobsOf, OCI_EMPTY, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { codeOf, freshFolder, noise, openTestStore, testPacket } from './fixture.ts'

const DAY = 86_400_000

/** A store whose clock the test moves; gc sees files as old as the clock says. */
async function clocked() {
  const time = { now: Date.now() }
  const store = await openTestStore(undefined, { clock: () => time.now })
  return { store, time }
}

async function isWhole(store: Store, packetId: Digest): Promise<boolean> {
  for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
  return true
}

const count = (store: Store) => readdirSync(join(store.folder, 'blobs/sha256')).length

describe('gc', () => {
  it('keeps what the library names and removes what nothing names, after the grace age', async () => {
    const { store, time } = await clocked()
    const { packetId } = await store.publishPacket(testPacket('kept'))
    const before = count(store)
    await store.writer.put(newBlob('x/y', noise('garbage', 1234)))
    expect(await store.gc()).toMatchObject({ blobs: 0 })
    time.now += 2 * 3600_000
    expect(await store.gc({ dryRun: true })).toMatchObject({ blobs: 1, bytes: 1234, packets: 0, dryRun: true })
    expect(count(store)).toBe(before + 1)
    expect(await store.gc()).toMatchObject({ blobs: 1, bytes: 1234 })
    expect(count(store)).toBe(before)
    expect(await isWhole(store, packetId)).toBe(true)
  })

  it('keeps tombstones for seven days, and blobs that others share for ever', async () => {
    const { store, time } = await clocked()
    const parent = await store.publishPacket(testPacket('parent'))
    const layers = (await store.readManifest(parent.packetId)).layers
    const child = await store.publishPacket({ config: testPacket('child').config, layers })
    store.library.packets.remove([parent.packetId], time.now)
    time.now += 6 * DAY
    expect(await store.gc()).toMatchObject({ packets: 0, blobs: 0 })
    time.now += 2 * DAY
    expect(await store.gc()).toMatchObject({ packets: 1, blobs: 2 })
    expect(await isWhole(store, child.packetId)).toBe(true)
    expect(await codeOf(store.readManifest(parent.packetId))).toBe('E_NOT_FOUND')
    expect((await store.list()).total).toBe(1)
  })

  it('gives up unnamed packets by age and count, never named, tagged, pinned or held ones', async () => {
    const { store, time } = await clocked()
    const ids: Digest[] = []
    for (let i = 0; i < 10; i++) {
      const names = i === 0 ? ['named'] : []
      ids.push((await store.publishPacket({ ...testPacket(`p${i}`), names })).packetId)
      time.now += DAY
    }
    const [, tagged, pinned, held] = ids as [Digest, Digest, Digest, Digest]
    store.library.packets.setTags(tagged, ['t'])
    store.library.packets.setPinned(pinned, true)
    const release = store.parts.holds.take(held)
    expect(await store.gc({ olderThanDays: 4, dryRun: true })).toMatchObject({ packets: 3 })
    expect(await store.gc({ keepLatest: 5, dryRun: true })).toMatchObject({ packets: 1 })
    expect(await store.gc({ keepLatest: 2, olderThanDays: 3, graceMs: 0 })).toMatchObject({ packets: 4 })
    expect((await store.list()).items.map(item => item.packetId).sort()).toEqual(
      [...ids.slice(0, 4), ...ids.slice(8)].sort(),
    )
    release()
    time.now += 2 * DAY
    expect(await store.gc({ keepLatest: 0 })).toMatchObject({ packets: 3 })
  })

  it('keeps the referrers of what it keeps', async () => {
    const { store, time } = await clocked()
    const { packetId } = await store.publishPacket(testPacket('signed'))
    const config = newBlob(OCI_EMPTY, new TextEncoder().encode('{}'))
    const { digest, size } = await store.writer.put(config)
    const subject = { mediaType: OCI_MANIFEST, digest: packetId, size: 1 }
    const manifest = canonicalBytes({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_EMPTY, digest, size },
      layers: [],
      subject,
    })
    const referrer = await store.publishReferrer({ manifest, newBlobs: [config] })
    time.now += DAY
    expect(await store.gc()).toMatchObject({ blobs: 0 })
    expect(await store.blobs.has(referrer)).toBe(true)
    store.library.packets.remove([packetId], time.now)
    time.now += 8 * DAY
    await store.gc()
    expect(count(store)).toBe(0)
    expect(store.library.referrers.list()).toEqual([])
  })

  it('removes no blob while it cannot read what a packet needs', async () => {
    const { store, time } = await clocked()
    const { packetId } = await store.publishPacket(testPacket('damaged'))
    await store.writer.put(newBlob('x/y', noise('garbage', 10)))
    writeFileSync(join(store.folder, 'blobs/sha256', packetId.slice(7)), 'damage')
    time.now += DAY
    expect(await store.gc()).toMatchObject({ blobs: 0, unreadable: [packetId] })
  })

  it('cannot take a blob from under a publication that found it there', async () => {
    const gone: string[] = []
    const packet = testPacket('racing')
    const folder = join(freshFolder(), 'store')
    const store = await openTestStore(folder, {
      // The disk as it is when gc runs between the put of the blobs and the entry of the packet.
      fs: {
        ...nodeFs,
        syncFolder: async path => {
          await nodeFs.syncFolder(path)
          const victim = join(folder, 'blobs/sha256', sha256(packet.layers[0]?.bytes ?? '').slice(7))
          if (gone.length === 0 && existsSync(victim)) {
            unlinkSync(victim)
            gone.push(victim)
          }
        },
      },
    })
    const { packetId } = await store.publishPacket(packet)
    expect(gone).toHaveLength(1)
    expect(await isWhole(store, packetId)).toBe(true)
  })
})
