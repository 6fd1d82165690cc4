import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { BlobReader } from '#engine/store/blobReader.ts'
import { storeLayout } from '#engine/store/layout.ts'
import { nodeFs } from '#engine/store/nodeFs.ts'
import { hashAside, readHashed } from '#engine/store/readHashed.ts'
import { hexOf } from '#shared/domain/digest.ts'

const KiB = 1024
/** Around what is read at once, and around what the engine's own thread helps with. */
const SIZES = [0, 1, 256 * KiB, 256 * KiB + 1, 1024 * KiB, 4096 * KiB, 4096 * KiB + 1]
const run = promisify(execFile)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'statepack-hashed-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(size: number, name = `${size}`) {
  const bytes = randomBytes(size)
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return { path, bytes, size, hex: hexOf(sha256(bytes)) }
}

const MODULE = JSON.stringify(join(import.meta.dirname, '../../../electron/engine/store/readHashed.ts'))
const IN_THREADS = 'import{isMainThread,parentPort}from"node:worker_threads";isMainThread||'

/** What a program of its own prints; `preload` runs before it in each of its threads. */
async function printed(program: string, preload: string): Promise<string> {
  const path = join(folder, 'program.mjs')
  writeFileSync(path, program)
  const { stdout } = await run(process.execPath, ['--import', `data:text/javascript,${preload}`, path])
  return stdout.trim()
}

describe('a whole file with its digest', () => {
  it('is what is on the disk, however many are read at once', async () => {
    const files = [...SIZES, ...SIZES].map((size, i) => file(size, `whole-${i}`))
    const read = await Promise.all(
      files.map(({ path, size }, i) => readHashed(path, i < SIZES.length ? { size } : { most: size })),
    )
    for (const [i, { size, content }] of read.entries()) {
      expect(size).toBe(files[i]?.size)
      expect(content?.sha256, `of ${size} bytes`).toBe(files[i]?.hex)
      expect(Buffer.compare(content?.bytes ?? Buffer.alloc(0), files[i]?.bytes ?? Buffer.alloc(1))).toBe(0)
    }
  })

  it('is only hashed where nothing else is wanted of it', async () => {
    const files = SIZES.map(size => file(size, `only-${size}`))
    for (const { path, size, hex } of files) {
      const { content } = await readHashed(path, { size, onlyHash: true })
      expect(content?.sha256, `of ${size} bytes`).toBe(hex)
      expect(content?.bytes.byteLength).toBe(0)
      expect(await readHashed(path, { size: size + 1, onlyHash: true })).toEqual({ size, content: null })
    }
  })

  it('comes without content when it has another size than was said, or more than is allowed', async () => {
    for (const { path, size } of SIZES.map(size => file(size))) {
      const nothing = { size, content: null }
      expect(await readHashed(path, { size: size + 1 })).toEqual(nothing)
      if (size === 0) continue
      expect(await readHashed(path, { size: size - 1 })).toEqual(nothing)
      expect(await readHashed(path, { most: size - 1 })).toEqual(nothing)
    }
  })

  it.each([10, 1024 * KiB])('fails as the system does, for one of %i bytes', async size => {
    const { path } = file(size, 'target')
    const link = join(folder, `link-${size}`)
    await expect(readHashed(join(folder, 'absent'), { size })).rejects.toMatchObject({ code: 'ENOENT' })
    if (process.platform === 'win32') return
    symlinkSync(path, link)
    await expect(readHashed(link, { size })).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('is refused as a blob when one of its bytes is another', async () => {
    const layout = storeLayout(folder)
    await nodeFs.makeFolder(layout.blobs)
    const blobs = new BlobReader(nodeFs, layout)
    const bytes = randomBytes(1024 * KiB)
    const blob = { mediaType: 'application/octet-stream', digest: sha256(bytes), size: bytes.length }
    for (const at of [0, 512 * KiB, bytes.length - 1]) {
      const bad = Buffer.from(bytes)
      bad.writeUInt8(bad.readUInt8(at) ^ 1, at)
      writeFileSync(layout.blob(blob.digest), bad)
      await expect(blobs.read(blob)).rejects.toMatchObject({ code: 'E_CORRUPT' })
      await expect(blobs.read(blob.digest)).rejects.toMatchObject({ code: 'E_CORRUPT' })
    }
    writeFileSync(layout.blob(blob.digest), bytes)
    expect(Buffer.compare(await blobs.read(blob), bytes)).toBe(0)
  })

  it('is the same of bytes at hand, which come back as they were', async () => {
    const given = [...SIZES, ...SIZES].map(size => new Uint8Array(randomBytes(size)))
    const before = given.map(bytes => bytes.slice())
    for (const [i, { bytes, sha256: hex }] of (await Promise.all(given.map(hashAside))).entries()) {
      expect(hex).toBe(hexOf(sha256(before[i] ?? '')))
      expect(Buffer.compare(bytes, before[i] ?? Buffer.alloc(1))).toBe(0)
    }
  })

  it('is refused of bytes whose thread dies with them, and comes of all others', async () => {
    const program = `
      import { createHash } from 'node:crypto'
      import { setTimeout } from 'node:timers/promises'
      import { hashAside } from ${MODULE}
      const found = []
      while (found.at(-1) !== 'E_INTERNAL') {
        const bytes = new Uint8Array(300_000).fill(found.length)
        const right = createHash('sha256').update(bytes).digest('hex')
        found.push(await hashAside(bytes).then(({ sha256 }) => (sha256 === right ? 'right' : 'wrong'), ({ code }) => code))
        await setTimeout(20)
      }
      console.log([...new Set(found)].join())`
    expect(await printed(program, `${IN_THREADS}parentPort.once("message",()=>process.exit(1))`)).toBe(
      'right,E_INTERNAL',
    )
  })

  it.each([
    ['keeps no process alive', ''],
    ['needs no other thread', `${IN_THREADS}process.exit(1)`],
    ['survives a thread that dies', `${IN_THREADS}parentPort.once("message",()=>process.exit(1))`],
  ])('%s', async (_, preload) => {
    const sizes = [300 * KiB, 5000 * KiB, 300 * KiB, 5000 * KiB]
    const files = sizes.map((size, i) => file(size, `child-${i}`))
    const program = `
      import { readHashed } from ${MODULE}
      const files = ${JSON.stringify(files.map(({ path, size }) => ({ path, size })))}
      const read = await Promise.all(files.map(({ path, size }) => readHashed(path, { size })))
      console.log(read.map(({ content }) => content.sha256).join())`
    expect(await printed(program, preload)).toBe(files.map(({ hex }) => hex).join())
  })
})
