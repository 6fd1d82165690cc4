/** G11: every operation on the disk failing in turn, with each error a disk has: typed errors, old data whole, next run clean. */
import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openStore } from '#engine/store/openStore.ts'
import type { Store } from '#engine/store/store.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf } from '#shared/domain/oci.ts'
import { describeTestPacket, testPacket } from '../engine/store/fixture.ts'
import { fastFolder } from './fastFolder.ts'
import { type Fault, faultyFs } from './faultyFs.ts'
import { SimulatedDisk } from './simulatedDisk.ts'

const CODES: Record<string, readonly string[]> = {
  EIO: ['E_IO'],
  ENOSPC: ['E_DISK_FULL'],
  EMFILE: ['E_IO'],
  EROFS: ['E_READ_ONLY'],
}
const STRIDE = process.env.DEEP ? 1 : 7

async function wholeness(store: Store, packetId: Digest): Promise<void> {
  for (const blob of blobsOf(await store.readManifest(packetId))) await store.blobs.check(blob)
}

/** What a session does: opens, reads, publishes with shared layers, exports and imports, collects garbage, closes. */
async function session(store: Store, old: Digest): Promise<void> {
  await wholeness(store, old)
  const shared = (await store.readManifest(old)).layers.slice(0, 1)
  const packet = testPacket('new', { blocks: 2, blockBytes: 200 })
  const { packetId } = await store.publishPacket({ ...packet, layers: [...shared, ...packet.layers], names: ['new'] })
  const chunks: Uint8Array[] = []
  for await (const chunk of store.exportCartridge(packetId)) chunks.push(chunk)
  await store.importCartridge(
    (async function* () {
      yield* chunks
    })(),
  )
  await store.gc({ graceMs: 0 })
}

async function run(fault: Fault | null): Promise<{ error: unknown; operations: number }> {
  const databases = fastFolder('faults-')
  const disk = new SimulatedDisk()
  const open = (fs: SimulatedDisk | ReturnType<typeof faultyFs>) =>
    openStore('/store', { describe: describeTestPacket, fs, databases })
  try {
    const before = await open(disk)
    const { packetId: old } = await before.publishPacket(testPacket('old', { blocks: 2, blockBytes: 200 }))
    await before.close()

    const faulty = faultyFs(disk, fault)
    let error: unknown = null
    try {
      const store = await open(faulty)
      try {
        await session(store, old)
      } finally {
        await store.close()
      }
    } catch (thrown) {
      error = thrown
    }

    const after = await open(disk)
    try {
      expect(await disk.list('/store/tmp')).toEqual([])
      for (const row of after.library.packets.all()) await wholeness(after, row.packetId)
      expect(after.library.packets.get(old)).not.toBeNull()
      await session(after, old)
      expect((await after.list()).total).toBe(2)
    } finally {
      await after.close()
    }
    expect(await disk.list('/store/tmp')).toEqual([])
    return { error, operations: faulty.operations() }
  } finally {
    rmSync(databases, { recursive: true, force: true })
  }
}

describe('a failing disk', () => {
  for (const forGood of [false, true]) {
    for (const [index, [code, expected]] of Object.entries(CODES).entries()) {
      const offset = index + (forGood ? 4 : 0)
      it(`${code}, ${forGood ? 'for good' : 'once'}: a typed error, old data whole, the next run clean`, async () => {
        const { operations, error: none } = await run(null)
        expect(none).toBeNull()
        let refused = 0
        // Each code and mode begins elsewhere, so that together they come near every operation.
        for (let at = 1 + (offset % STRIDE); at <= operations; at += STRIDE) {
          const { error } = await run({ at, code, forGood })
          if (error === null) continue
          refused++
          expect(error, `operation ${at}: ${error}`).toBeInstanceOf(StatePackError)
          expect(expected, `operation ${at}: ${error}`).toContain((error as StatePackError).code)
        }
        expect(refused).toBeGreaterThan((operations / STRIDE) * 0.6)
      })
    }
  }
})
