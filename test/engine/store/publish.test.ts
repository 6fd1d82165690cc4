import { readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { IndexFile } from '#engine/store/indexFile.ts'
import { buildManifest } from '#engine/store/manifests.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import { CARTRIDGE_ARTIFACT, OCI_EMPTY, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { SimulatedDisk } from '../../crash/simulatedDisk.ts'
import { codeOf, openTestStore, testPacket } from './fixture.ts'

describe('publication', () => {
  it('gives the same packet_id for the same parts, in any store', async () => {
    const [a, b] = [await openTestStore(), await openTestStore()]
    const packet = testPacket('one')
    const { packetId } = await a.publishPacket(packet)
    expect((await b.publishPacket(packet)).packetId).toBe(packetId)
    expect(buildManifest(packet.config, packet.layers).blob.digest).toBe(packetId)
    expect((await a.readManifest(packetId)).artifactType).toBe(CARTRIDGE_ARTIFACT)
  })

  it('signs after the bytes are durable and before anyone sees the packet', async () => {
    const store = await openTestStore()
    let seen: unknown
    const { packetId } = await store.publishPacket({
      ...testPacket('one'),
      receipt: async ({ packetId }) => {
        seen = { stored: await store.blobs.has(packetId), listed: store.library.packets.get(packetId) }
      },
    })
    expect(seen).toEqual({ stored: true, listed: null })
    expect((await store.list()).items.map(item => item.packetId)).toEqual([packetId])
  })

  it('describes what it was given without reading it again, and as a rebuilt index does', async () => {
    const store = await openTestStore()
    const read = vi.spyOn(store.blobs, 'read')
    const { packetId } = await store.publishPacket(testPacket('one', { card: 'A card' }))
    expect(read).not.toHaveBeenCalled()
    const [listed] = (await store.list()).items
    store.index.drop([packetId])
    expect((await store.list()).items).toEqual([listed])
    expect(read).toHaveBeenCalled()
    read.mockRestore()
  })

  it('publishes nothing when the receipt fails', async () => {
    const store = await openTestStore()
    const failing = store.publishPacket({
      ...testPacket('one'),
      receipt: () => Promise.reject(new Error('no key')),
    })
    await expect(failing).rejects.toThrow('no key')
    expect((await store.list()).total).toBe(0)
  })

  it('keeps one packet per context and dtype: the first durable writer wins', async () => {
    const store = await openTestStore()
    const first = await store.publishPacket(testPacket('one'))
    const second = await store.publishPacket(testPacket('other bytes', { context: 'one' }))
    expect(second).toMatchObject({ packetId: first.packetId, cacheHit: true })
    const otherDtype = await store.publishPacket(testPacket('half', { context: 'one', dtype: 'float16' }))
    expect(otherDtype.cacheHit).toBe(false)
    expect((await store.list()).total).toBe(2)
  })

  it('never hands out a restricted packet for a context, nor lets it become trusted beside an own one', async () => {
    const store = await openTestStore()
    const stranger = await store.publishPacket({ ...testPacket('poison', { context: 'one' }), trust: 'restricted' })
    expect(store.library.packets.ofContext(stranger.contextId, 'float32')).toBeNull()
    const own = await store.publishPacket(testPacket('one'))
    expect(own.cacheHit).toBe(false)
    expect(own.packetId).not.toBe(stranger.packetId)
    expect(store.library.packets.ofContext(own.contextId, 'float32')?.packetId).toBe(own.packetId)
    expect(await codeOf(async () => store.library.packets.setTrust(stranger.packetId, 'trusted'))).toBe('E_CONFLICT')
    const same = await store.publishPacket({ ...testPacket('two'), trust: 'restricted' })
    await store.publishPacket(testPacket('two'))
    expect(store.library.packets.get(same.packetId)?.trust).toBe('own')
  })

  it('replaces a winner whose bytes have gone', async () => {
    const store = await openTestStore()
    const first = await store.publishPacket(testPacket('one'))
    const manifest = await store.readManifest(first.packetId)
    unlinkSync(join(store.folder, 'blobs/sha256', manifest.layers[0]?.digest.slice(7) ?? ''))
    const second = await store.publishPacket(testPacket('again', { context: 'one' }))
    expect(second.cacheHit).toBe(false)
    expect((await store.list()).items.map(item => item.packetId)).toEqual([second.packetId])
  })

  it('shares layers by descriptor, and refuses one that is not there', async () => {
    const store = await openTestStore()
    const parent = await store.publishPacket(testPacket('one', { blockBytes: 100_000 }))
    const layers = (await store.readManifest(parent.packetId)).layers
    const child = await store.publishPacket({ config: testPacket('child').config, layers })
    expect(child.bytesWritten).toBeLessThan(3000)
    const missing = { ...(layers[0] as (typeof layers)[0]), digest: parent.contextId }
    expect(await codeOf(store.publishPacket({ config: testPacket('bad').config, layers: [missing] }))).toBe(
      'E_MISSING_BLOB',
    )
  })

  it('writes index.json from the library: names, then what refers to them', async () => {
    const store = await openTestStore()
    const a = await store.publishPacket({ ...testPacket('a'), names: ['Alpha'] })
    const b = await store.publishPacket(testPacket('b'))
    const subject = {
      mediaType: OCI_MANIFEST,
      digest: a.packetId,
      size: store.library.packets.get(a.packetId)?.size ?? 0,
    }
    const empty = newBlob(OCI_EMPTY, new TextEncoder().encode('{}'))
    const { digest: config, size } = await store.writer.put(empty)
    const signature = await store.publishReferrer({
      manifest: canonicalBytes({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: 'application/vnd.dsse.envelope.v1+json',
        config: { mediaType: OCI_EMPTY, digest: config, size },
        layers: [],
        subject,
      }),
      newBlobs: [empty],
    })
    await store.close()
    const index = JSON.parse(readFileSync(join(store.folder, 'index.json'), 'utf8'))
    expect(new Set(index.manifests.map((m: { digest: string }) => m.digest))).toEqual(
      new Set([a.packetId, b.packetId, signature.digest]),
    )
    expect(index.manifests.find((m: { digest: string }) => m.digest === a.packetId).annotations).toEqual({
      'org.opencontainers.image.ref.name': 'Alpha',
    })
  })

  it('writes index.json when the library pauses, and every ten seconds where it does not', async () => {
    const { parts, library } = await openTestStore()
    // On a disk that takes no time: the next write waits for the one before.
    const disk = new SimulatedDisk()
    for (const path of [parts.layout.tmp, parts.folder]) await disk.makeFolder(path)
    const file = new IndexFile(disk, parts.layout, library)
    const written = vi.spyOn(library.packets, 'all')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      for (let ms = 0; ms < 25_000; ms += 500) {
        file.touch()
        await vi.advanceTimersByTimeAsync(500)
      }
      expect(written).toHaveBeenCalledTimes(2)
      await vi.advanceTimersByTimeAsync(1000)
      expect(written).toHaveBeenCalledTimes(3)
      await vi.advanceTimersByTimeAsync(20_000)
      expect(written).toHaveBeenCalledTimes(3)
    } finally {
      vi.useRealTimers()
      await file.flush()
    }
  })

  it('adopts the cartridges of a layout that has no library, restricted', async () => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket({ ...testPacket('a'), names: ['Alpha'] })
    await store.close()
    for (const name of readdirSync(store.folder)) if (name.includes('sqlite')) rmSync(join(store.folder, name))
    const again = await openTestStore(store.folder)
    expect((await again.list()).items).toMatchObject([{ packetId, name: 'Alpha', trust: 'restricted' }])
  })

  it('undoes a deletion', async () => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket({ ...testPacket('a'), names: ['Alpha'] })
    expect(store.library.packets.remove([packetId], Date.now())).toBe(1)
    expect((await store.list()).total).toBe(0)
    expect(store.library.packets.names.named('Alpha')).toBeNull()
    expect(store.library.packets.restore([packetId])).toBe(1)
    expect(store.library.packets.names.named('Alpha')).toBe(packetId)
  })

  it('refuses a folder that is no store of this version, and says when there is none', async () => {
    const store = await openTestStore()
    await store.close()
    writeFileSync(join(store.folder, 'oci-layout'), '{"imageLayoutVersion":"9.0.0"}')
    expect(await codeOf(openTestStore(store.folder))).toBe('E_STORE_VERSION')
    expect(await codeOf(openTestStore('/nonexistent/store', { readOnly: true }))).toBe('E_STORE_UNREADABLE')
    expect(await codeOf(openTestStore('/proc/store'))).toMatch(/^E_(STORE_UNREADABLE|PERMISSION)$/)
  })

  it('opens for reading only: everything can be seen, nothing changed', async () => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket({ ...testPacket('a'), names: ['Alpha'] })
    const reader = await openTestStore(store.folder, { readOnly: true })
    expect((await reader.list({ query: 'alpha' })).items.map(item => item.packetId)).toEqual([packetId])
    expect(await codeOf(reader.publishPacket(testPacket('b')))).toBe('E_READ_ONLY')
    expect(reader.library.packets.names.named('Alpha')).toBe(packetId)
  })
})
