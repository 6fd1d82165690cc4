/** G2: power loss at any moment of publications, on a disk that then keeps, loses, tears and reorders what was not flushed. */
import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openStore } from '#engine/store/openStore.ts'
import type { Store } from '#engine/store/store.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { describeTestPacket, testPacket } from '../engine/store/fixture.ts'
import { fastFolder } from './fastFolder.ts'
import { PowerLoss, type Random, SimulatedDisk, type SimulatedDiskOptions, seededRandom } from './simulatedDisk.ts'

const SHARE = process.env.DEEP ? 2000 : 200

/** Publishes, side by side, until the power goes; returns what was acknowledged. */
async function work(store: Store, random: Random, label: string): Promise<Digest[]> {
  const acknowledged: Digest[] = []
  const publish = async (i: number): Promise<void> => {
    const parent = acknowledged.at(-1)
    const packet = testPacket(`${label}/${i}`, { blocks: 1 + Math.floor(random() * 4), blockBytes: 200 })
    const shared = random() < 0.5 && parent !== undefined ? (await store.readManifest(parent)).layers.slice(0, 1) : []
    const { packetId } = await store.publishPacket({ ...packet, layers: [...shared, ...packet.layers] })
    acknowledged.push(packetId)
  }
  for (let i = 0; i < 6; i += 2) {
    const results = await Promise.allSettled([publish(i), publish(i + 1)])
    for (const result of results) {
      if (result.status === 'rejected' && !isPowerLoss(result.reason)) throw result.reason
    }
    if (results.some(result => result.status === 'rejected')) break
  }
  return acknowledged
}

function isPowerLoss(error: unknown): boolean {
  return error instanceof PowerLoss || (error instanceof Error && isPowerLoss(error.cause))
}

/** What is wrong after the power came back: nothing, or a sentence. */
async function inspect(store: Store, disk: SimulatedDisk, acknowledged: readonly Digest[]): Promise<string | null> {
  const listed = new Set((await store.list({ limit: 500 })).items.map(item => item.packetId))
  const entered = store.library.packets.all().map(row => row.packetId)
  for (const packetId of acknowledged) if (!listed.has(packetId)) return `acknowledged, then lost: ${packetId}`
  for (const packetId of entered) {
    try {
      for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
    } catch (error) {
      return `visible, but not whole: ${packetId}: ${error}`
    }
  }
  const left = await disk.list('/data/store/tmp')
  return left.length > 0 ? `left in tmp: ${left}` : null
}

/** One history: two runs that both end in a power loss, and a third that looks. */
async function history(seed: number, options: SimulatedDiskOptions = {}): Promise<string | null> {
  const random = seededRandom(seed)
  // The SQLite files lie on a real disk: SQLite answers for its own commits, we for the order around them.
  const databases = fastFolder('power-')
  const open = (disk: SimulatedDisk) => openStore('/data/store', { describe: describeTestPacket, fs: disk, databases })
  const acknowledged: Digest[] = []
  let disk = new SimulatedDisk(options)
  try {
    for (const label of ['first', 'second']) {
      disk.losePowerAt = 1 + Math.floor(random() * 160)
      try {
        const store = await open(disk)
        try {
          acknowledged.push(...(await work(store, random, `${seed}/${label}`)))
        } finally {
          await store.close().catch(() => {})
        }
      } catch (error) {
        if (!isPowerLoss(error)) return `neither worked nor lost power: ${error}`
      }
      disk = disk.afterPowerLoss(random)
    }
    const store = await open(disk)
    try {
      return await inspect(store, disk, acknowledged)
    } finally {
      await store.close()
    }
  } finally {
    rmSync(databases, { recursive: true, force: true })
  }
}

async function firstBreak(count: number, options: SimulatedDiskOptions): Promise<string | null> {
  for (let seed = 0; seed < count; seed++) {
    const broken = await history(seed, options)
    if (broken !== null) return broken
  }
  return null
}

describe('power loss', () => {
  it(`breaks no promise in ${SHARE} histories`, { timeout: 1_200_000 }, async () => {
    for (let seed = 0; seed < SHARE; seed++) expect(await history(seed), `seed ${seed}`).toBeNull()
  })

  it('is noticed when the flush of the folder of blobs is left out (control)', async () => {
    expect(await firstBreak(40, { ignoreSyncFolder: '/data/store/blobs/sha256' })).toMatch(/lost|not whole/)
  })

  it('is noticed when the flush of files is left out (control)', async () => {
    expect(await firstBreak(40, { ignoreSync: true })).toMatch(/not whole|lost/)
  })
})
