import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import tar from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import { canonicalHeader } from '#engine/store/cartridgeFile/tarHeader.ts'
import { OCI_LAYOUT_BYTES } from '#engine/store/layout.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import type { Store } from '#engine/store/store.ts'
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from '#shared/domain/oci.ts'
import { SimulatedDisk } from '../../crash/simulatedDisk.ts'
import { codeOf, freshFolder, openTestStore, testPacket } from './fixture.ts'

async function bytesOf(store: Store, packetId: Digest): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.exportCartridge(packetId)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The bytes in chunks of odd sizes, so that no reading depends on how they arrive. */
async function* pieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** A packet with one layer and a signature-like referrer, as small as can be. */
async function smallest(store: Store): Promise<{ packetId: Digest; file: Buffer }> {
  const { packetId } = await store.publishPacket(testPacket('small', { blocks: 1, blockBytes: 70 }))
  const empty = newBlob(OCI_EMPTY, new TextEncoder().encode('{}'))
  const config = await store.writer.put(empty)
  const envelope = newBlob('application/vnd.dsse.envelope.v1+json', new TextEncoder().encode('{"payload":""}'))
  const layer = await store.writer.put(envelope)
  const size = store.library.packets.get(packetId)?.size
  const subject = { mediaType: OCI_MANIFEST, digest: packetId, size }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: layer.mediaType,
    config,
    layers: [layer],
    subject,
  }
  await store.publishReferrer({ manifest: canonicalBytes(manifest) })
  return { packetId, file: await bytesOf(store, packetId) }
}

/** A store in memory: thousands of imports into it cost no disk. */
async function memoryStore(): Promise<{ store: Store; disk: SimulatedDisk }> {
  const disk = new SimulatedDisk()
  const store = await openTestStore('/store', { fs: disk, databases: freshFolder() })
  return { store, disk }
}

describe('canonical cartridge files', () => {
  it('carry a packet and its signatures to another store, and give the same bytes there', async () => {
    const [a, b] = [await openTestStore(), await openTestStore()]
    const { packetId, file } = await smallest(a)
    const path = join(freshFolder(), 'small.cartridge')
    expect(await a.exportCartridgeFile({ packetId, path })).toBe(file.length)
    expect(readFileSync(path)).toEqual(file)
    const imported = await b.importCartridgeFile({ path })
    expect(imported).toMatchObject({ packetId, cacheHit: false })
    expect(b.library.packets.get(packetId)?.trust).toBe('restricted')
    expect(await bytesOf(b, packetId)).toEqual(file)
    expect(b.library.referrers.list({ subject: packetId })).toHaveLength(1)
    expect(readdirSync(join(b.folder, 'tmp'))).toEqual([])
    expect((await b.importCartridgeFile({ path })).cacheHit).toBe(true)
  })

  it('are tars that any tool reads', async () => {
    const store = await openTestStore()
    const { packetId, file } = await smallest(store)
    const names: string[] = []
    const extract = tar.extract()
    extract.on('entry', (header, stream, next) => {
      names.push(header.name)
      stream.on('end', next).resume()
    })
    extract.end(file)
    await new Promise((resolve, reject) => extract.on('finish', () => resolve(null)).on('error', reject))
    expect(names.slice(0, 3)).toEqual(['oci-layout', 'index.json', `blobs/sha256/${hexOf(packetId)}`])
    expect(file.length % 512).toBe(0)
  })

  it('refuse every single changed byte, with a typed code, and leave nothing behind', async () => {
    const { file } = await smallest(await openTestStore())
    const { store, disk } = await memoryStore()
    const blobs = () => disk.list('/store/blobs/sha256')
    const codes = new Map<string, number>()
    for (let at = 0; at < file.length; at++) {
      for (const bit of process.env.DEEP ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
        const changed = Buffer.from(file)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        disk.settle()
        const code = await codeOf(store.importCartridge(pieces(changed, 4096)))
        codes.set(code, (codes.get(code) ?? 0) + 1)
        if (!code.startsWith('E_') || (await disk.list('/store/tmp')).length > 0 || (await blobs()).length > 0) {
          expect.fail(`byte ${at}, bit ${bit}: ${code}`)
        }
      }
    }
    expect([...codes.keys()].sort()).toEqual(['E_BAD_FORMAT', 'E_CORRUPT'])
    expect(codes.get('E_CORRUPT')).toBeGreaterThan(100)
    expect(await codeOf(store.importCartridge(pieces(file)))).toBe('no error')
  })

  it('owe that to the canonical form: the lenient path does not see a changed time (control)', async () => {
    const { file } = await smallest(await openTestStore())
    const changed = Buffer.from(file)
    changed[146] = (changed[146] ?? 0) ^ 1
    let sum = 0
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : (changed[i] ?? 0)
    changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const store = await openTestStore()
    expect(await codeOf(store.importCartridge(pieces(changed)))).toBe('E_BAD_FORMAT')
    expect(await codeOf(store.importCartridge(pieces(changed), { lenient: true }))).toBe('no error')
  })

  it('refuse changed bytes sampled over a large file', async () => {
    const source = await openTestStore()
    const { packetId } = await source.publishPacket(testPacket('large', { blocks: 8, blockBytes: 60_000 }))
    const file = await bytesOf(source, packetId)
    const { store, disk } = await memoryStore()
    const runs = process.env.DEEP ? 10_000 : 60
    for (let run = 0; run < runs; run++) {
      const at = Math.floor(((run + 0.5) * file.length) / runs)
      const changed = Buffer.from(file)
      changed[at] = (changed[at] ?? 0) ^ (1 << (run % 8))
      expect(await codeOf(store.importCartridge(pieces(changed, 65536))), `byte ${at}`).toMatch(
        /^E_(CORRUPT|BAD_FORMAT)$/,
      )
    }
    expect(await disk.list('/store/tmp')).toEqual([])
    expect(await disk.list('/store/blobs/sha256')).toEqual([])
  })

  it('refuse every cut, and anything appended', async () => {
    const { file } = await smallest(await openTestStore())
    const { store, disk } = await memoryStore()
    for (let length = 0; length < file.length; length += process.env.DEEP ? 1 : 97) {
      expect(await codeOf(store.importCartridge(pieces(file.subarray(0, length))))).toBe('E_BAD_FORMAT')
    }
    for (const extra of [1, 512, 10_240]) {
      expect(await codeOf(store.importCartridge(pieces(Buffer.concat([file, Buffer.alloc(extra)]))))).toBe(
        'E_BAD_FORMAT',
      )
    }
    expect(await disk.list('/store/tmp')).toEqual([])
  })

  it('can be refused after review, with nothing left behind', async () => {
    const source = await openTestStore()
    const { packetId, file } = await smallest(source)
    const store = await openTestStore()
    const review = async (found: { packet: { packetId: Digest }; referrers: readonly unknown[] }) => {
      expect(found.packet.packetId).toBe(packetId)
      expect(found.referrers).toHaveLength(1)
      throw new StatePackError('E_CANCELLED', 'Not now.')
    }
    expect(await codeOf(store.importCartridge(pieces(file), { review }))).toBe('E_CANCELLED')
    expect(readdirSync(join(store.folder, 'tmp'))).toEqual([])
    expect(readdirSync(join(store.folder, 'blobs/sha256'))).toEqual([])
    expect((await store.list()).total).toBe(0)
  })

  it('stop at what is allowed, however much is announced', async () => {
    const { file } = await smallest(await openTestStore())
    const store = await openTestStore()
    expect(await codeOf(store.importCartridge(pieces(file), { maxBytes: 1000 }))).toBe('E_TOO_LARGE')
    const endless = async function* () {
      yield canonicalHeader('oci-layout', 8 ** 10)
      for (;;) yield new Uint8Array(65536)
    }
    expect(await codeOf(store.importCartridge(endless()))).toBe('E_TOO_LARGE')
    expect(await codeOf(store.importCartridge(endless(), { lenient: true }))).toBe('E_TOO_LARGE')
    expect(await codeOf(store.importCartridge(pieces(gzipSync(file))))).toBe('E_BAD_FORMAT')
    expect(await codeOf(store.importCartridge(pieces(gzipSync(file)), { lenient: true }))).toBe('E_BAD_FORMAT')
  })

  it('are refused when their referrers alone would take all memory, before any is read', async () => {
    const digest = (i: number) => `sha256:${i.toString(16).padStart(64, '0')}`
    const manifests = Array.from({ length: 64 }, (_, i) => ({
      mediaType: OCI_MANIFEST,
      digest: digest(i),
      size: 2 ** 20,
    }))
    const index = canonicalBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })
    const entry = (name: string, bytes: Uint8Array) => [
      ...[canonicalHeader(name, bytes.length), bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)],
    ]
    const start = Buffer.concat([...entry('oci-layout', OCI_LAYOUT_BYTES), ...entry('index.json', index)])
    const store = await openTestStore()
    expect(await codeOf(store.importCartridge(pieces(start)))).toBe('E_TOO_LARGE')
    expect(await codeOf(store.importCartridge(pieces(start), { lenient: true }))).toBe('E_TOO_LARGE')
  })

  it('report a missing file, a folder and a missing target as what they are', async () => {
    const store = await openTestStore()
    const { packetId } = await smallest(store)
    const folder = freshFolder()
    expect(await codeOf(store.importCartridgeFile({ path: join(folder, 'none') }))).toBe('E_NOT_FOUND')
    expect(await codeOf(store.importCartridgeFile({ path: folder }))).toBe('E_BAD_INPUT')
    expect(await codeOf(store.exportCartridgeFile({ packetId, path: join(folder, 'no/such') }))).toBe('E_NOT_FOUND')
    expect(await codeOf(store.exportCartridgeFile({ packetId: sha256('x'), path: join(folder, 'f') }))).toBe(
      'E_NOT_FOUND',
    )
    expect(readdirSync(folder)).toEqual([])
  })
})

interface Entry {
  name: string
  body?: Uint8Array | string
  type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device' | 'fifo'
  linkname?: string
  pax?: Record<string, string>
}

async function pack(entries: readonly Entry[]): Promise<Buffer> {
  const out = tar.pack()
  for (const { name, body = '', type = 'file', linkname, pax } of entries) {
    const header = { name, type, linkname, mtime: new Date(1e12), uid: 1000, gid: 1000, pax: pax ?? null }
    if (type === 'file') out.entry(header, Buffer.from(body as Uint8Array))
    else out.entry(header)
  }
  out.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of out) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

describe('tars that other tools made', () => {
  const layout: Entry = { name: 'oci-layout', body: '{"imageLayoutVersion": "1.0.0"}\n' }

  async function foreign(): Promise<{ packetId: Digest; index: Entry; blobs: Entry[]; file: Buffer }> {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket(testPacket('foreign'))
    const blobs = readdirSync(join(store.folder, 'blobs/sha256')).map(hex => ({
      name: `blobs/sha256/${hex}`,
      body: readFileSync(join(store.folder, 'blobs/sha256', hex)),
    }))
    const size = store.library.packets.get(packetId)?.size
    const manifests = [{ mediaType: OCI_MANIFEST, digest: packetId, size, annotations: { whatever: 'x' } }]
    const index = { name: 'index.json', body: JSON.stringify({ schemaVersion: 2, manifests }, null, 2) }
    return { packetId, index, blobs, file: await bytesOf(store, packetId) }
  }

  it('are taken in by the lenient path only, and exported again in canonical form', async () => {
    const { packetId, index, blobs, file } = await foreign()
    const folders: Entry[] = ['./', 'blobs/', 'blobs/sha256/'].map(name => ({ name, type: 'directory' }))
    const dotted = blobs.map((blob, i) => (i === 0 ? { ...blob, name: `./${blob.name}`, pax: { mtime: '1.5' } } : blob))
    const bytes = await pack([...folders, ...dotted, index, layout])
    const store = await openTestStore()
    expect(await codeOf(store.importCartridge(pieces(bytes)))).toBe('E_BAD_FORMAT')
    expect((await store.importCartridge(pieces(bytes), { lenient: true })).packetId).toBe(packetId)
    expect(await bytesOf(store, packetId)).toEqual(file)
    expect(await codeOf((await openTestStore()).importCartridge(pieces(file), { lenient: true }))).toBe('no error')
  })

  it('are refused when anything in them is hostile, and nothing is written outside or left inside', async () => {
    const { packetId, index, blobs } = await foreign()
    const outer = freshFolder()
    const store = await openTestStore(join(outer, 'store'))
    const hex = hexOf(packetId)
    const first = blobs[0] as Entry
    const names = [
      '../escape',
      '/etc/passwd',
      'blobs/../../escape',
      'blobs/sha256/../../../escape',
      `blobs/sha256/${hex}/x`,
      `blobs\\sha256\\${hex}`,
      `blobs/sha256/${hex.toUpperCase()}`,
      `blobs/sha256/${hex}.`,
      `blobs/sha512/${hex}`,
      `blobs/sha256/${hex.slice(1)}`,
      'C:\\escape',
      'oci-layout/x',
      './../escape',
      './/etc/passwd',
      'blobs/sha256/',
      'library.sqlite',
      'tmp/x',
      'blobs/sha256/\u202e',
      '-rf',
      'index.json\u0000x',
    ]
    const hostile: [string, Entry[]][] = [
      ...names.map((name): [string, Entry[]] => [
        `file ${JSON.stringify(name)}`,
        [layout, index, ...blobs, { name, body: 'x' }],
      ]),
      ...names.map((name): [string, Entry[]] => [
        `link to ${JSON.stringify(name)}`,
        [layout, index, ...blobs, { name: `blobs/sha256/${'a'.repeat(64)}`, type: 'symlink', linkname: name }],
      ]),
      ...names.map((name): [string, Entry[]] => [
        `hard link to ${JSON.stringify(name)}`,
        [layout, index, ...blobs, { name: 'index.json', type: 'link', linkname: name }],
      ]),
      ...names.map((path): [string, Entry[]] => [
        `pax path ${JSON.stringify(path)}`,
        [layout, index, ...blobs.slice(1), { ...first, pax: { path } }],
      ]),
      ...['../', '/', '/etc/', 'blobs/sha256/x/', 'tmp/'].map((name): [string, Entry[]] => [
        `folder ${name}`,
        [{ name, type: 'directory' }, layout, index, ...blobs],
      ]),
      ['a device', [layout, index, ...blobs, { name: 'blobs/sha256/dev', type: 'character-device' }]],
      ['a fifo', [layout, index, ...blobs, { name: 'blobs/sha256/fifo', type: 'fifo' }]],
      [
        'a folder where blobs are',
        [layout, index, { name: 'blobs/sha256', type: 'symlink', linkname: '/tmp' }, ...blobs],
      ],
      ['a pax size', [layout, index, ...blobs.slice(1), { ...first, pax: { size: '1' } }]],
      ['a blob twice', [layout, index, ...blobs, first]],
      ['index.json twice', [layout, index, index, ...blobs]],
      ['a blob with other bytes', [layout, index, ...blobs.slice(1), { ...first, body: 'other' }]],
      ['a blob missing', [layout, index, ...blobs.slice(1)]],
      ['no layout', [index, ...blobs]],
      ['no index', [layout, ...blobs]],
      ['a wrong version', [{ name: 'oci-layout', body: '{"imageLayoutVersion":"2.0.0"}' }, index, ...blobs]],
      ['an index that is no JSON', [layout, { name: 'index.json', body: '{' }, ...blobs]],
      [
        'an index without cartridges',
        [layout, { name: 'index.json', body: '{"schemaVersion":2,"manifests":[]}' }, ...blobs],
      ],
      [
        'an index with a hostile digest',
        [
          layout,
          {
            name: 'index.json',
            body: `{"schemaVersion":2,"manifests":[{"mediaType":"${OCI_MANIFEST}","digest":"sha256:../../x","size":1}]}`,
          },
          ...blobs,
        ],
      ],
    ]
    for (const [what, entries] of hostile) {
      const bytes = await pack(entries)
      expect(await codeOf(store.importCartridge(pieces(bytes), { lenient: true })), what).toMatch(
        /^E_(BAD_FORMAT|CORRUPT|MISSING_BLOB|BAD_DIGEST)$/,
      )
      expect(await codeOf(store.importCartridge(pieces(bytes))), what).toMatch(/^E_BAD_FORMAT$/)
    }
    expect(hostile.length).toBeGreaterThan(95)
    expect(readdirSync(outer)).toEqual(['store'])
    expect(readdirSync(join(store.folder, 'tmp'))).toEqual([])
    expect(readdirSync(join(store.folder, 'blobs/sha256'))).toEqual([])
    expect(await codeOf(store.importCartridge(pieces(await pack([layout, index, ...blobs])), { lenient: true }))).toBe(
      'no error',
    )
  })

  it('are refused when headers lie', async () => {
    const { index, blobs } = await foreign()
    const good = await pack([layout, index, ...blobs])
    const store = await openTestStore()
    const lies: [number, string][] = [
      [124, '77777777777\0'],
      [124, '-0000000001\0'],
      [124, '\x80\0\0\0\0\0\0\0\0\0\0\x01'],
      [148, '0000000\0'],
      [156, 'S'],
    ]
    for (const [at, field] of lies) {
      const bytes = Buffer.from(good)
      bytes.write(field, at, 'latin1')
      let sum = 0
      for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : (bytes[i] ?? 0)
      if (at !== 148) bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
      expect(await codeOf(store.importCartridge(pieces(bytes), { lenient: true })), field).toMatch(
        /^E_(BAD_FORMAT|TOO_LARGE)$/,
      )
    }
  })
})
