import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, statSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { newBlob } from '#engine/store/newBlob.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { codeOf, freshFolder, noise, openTestStore } from './fixture.ts'

const type = 'application/octet-stream'

describe('blobs', () => {
  it('reads back what was put, under its digest, in an OCI layout with private modes', async () => {
    const store = await openTestStore()
    const bytes = noise('a', 5000)
    const descriptor = await store.writer.put(newBlob(type, bytes))
    expect(descriptor).toEqual({ mediaType: type, digest: sha256(bytes), size: 5000 })
    expect(await store.blobs.read(descriptor)).toEqual(bytes)
    const path = join(store.folder, 'blobs/sha256', descriptor.digest.slice(7))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    for (const folder of ['', 'blobs', 'blobs/sha256', 'tmp']) {
      expect(statSync(join(store.folder, folder)).mode & 0o777).toBe(0o700)
    }
    for (const file of ['library.sqlite', 'index.sqlite', 'lock.sqlite', 'oci-layout']) {
      expect(statSync(join(store.folder, file)).mode & 0o077, file).toBe(0)
    }
    expect(readdirSync(join(store.folder, 'tmp'))).toEqual([])
  })

  it('finds what is whole, and puts what was found again only where it has gone since', async () => {
    const store = await openTestStore()
    const blob = newBlob(type, noise('a', 5000))
    const path = join(store.folder, 'blobs/sha256', blob.digest.slice(7))
    expect(await store.writer.find(blob)).toBeNull()
    await store.writer.put(blob)
    writeFileSync(path, noise('b', 5000))
    expect(await store.writer.find(blob)).toBeNull()
    await store.writer.put(blob)
    const found = await store.writer.find(blob)
    expect(found).toMatchObject({ digest: blob.digest, isFound: true })
    if (found === null) return
    expect(await store.writer.putMany([found])).toMatchObject({ bytesWritten: 0 })
    unlinkSync(path)
    expect(await store.writer.putMany([found])).toMatchObject({ bytesWritten: 5000 })
    expect(await store.blobs.read(blob.digest)).toEqual(blob.bytes)
  })

  it('says which of three things is wrong: absent, corrupt, unreadable', async () => {
    const store = await openTestStore()
    const { digest, size } = await store.writer.put(newBlob(type, noise('a', 100)))
    const path = join(store.folder, 'blobs/sha256', digest.slice(7))
    const descriptor = { mediaType: type, digest, size }

    expect(await codeOf(store.blobs.read(sha256('nothing')))).toBe('E_NOT_FOUND')
    expect(await codeOf(store.blobs.read({ ...descriptor, digest: sha256('nothing') }))).toBe('E_MISSING_BLOB')

    writeFileSync(path, noise('b', 100))
    for (const ref of [digest, descriptor]) {
      expect(await codeOf(store.blobs.read(ref))).toBe('E_CORRUPT')
      expect(await codeOf(store.blobs.check(ref))).toBe('E_CORRUPT')
    }
    truncateSync(path, 99)
    expect(await codeOf(store.blobs.read(descriptor))).toBe('E_CORRUPT')

    unlinkSync(path)
    symlinkSync('/etc/hostname', path)
    expect(await codeOf(store.blobs.read(digest))).toBe('E_CORRUPT')
    unlinkSync(path)
    symlinkSync(path, path)
    expect(await codeOf(store.blobs.read(digest))).toBe('E_CORRUPT')
    unlinkSync(path)
    // A pipe that nobody writes to would keep a reader waiting for ever.
    if (process.platform !== 'win32') execFileSync('mkfifo', [path])
    if (process.platform !== 'win32') expect(await codeOf(store.blobs.read(digest))).toBe('E_CORRUPT')
  })

  it('reads small and large files whole, and refuses what is over the cap before reading', async () => {
    const store = await openTestStore()
    for (const size of [0, 1, 6 * 1024 * 1024]) {
      const bytes = noise(`size ${size}`, size)
      const descriptor = await store.writer.put(newBlob(type, bytes))
      expect(sha256(await store.blobs.read(descriptor))).toBe(descriptor.digest)
      if (size > 0) expect(await codeOf(store.blobs.read(descriptor, { maxBytes: size - 1 }))).toBe('E_TOO_LARGE')
    }
  })

  it('heals a damaged blob when it is put again, and never writes through a link', async () => {
    const store = await openTestStore()
    const outside = join(freshFolder(), 'outside')
    writeFileSync(outside, 'untouched')
    const bytes = noise('a', 100)
    const { digest } = await store.writer.put(newBlob(type, bytes))
    const path = join(store.folder, 'blobs/sha256', digest.slice(7))
    writeFileSync(path, noise('b', 100))
    await store.writer.put(newBlob(type, bytes))
    expect(await store.blobs.read(digest)).toEqual(bytes)
    unlinkSync(path)
    symlinkSync(outside, path)
    await store.writer.put(newBlob(type, bytes))
    expect(lstatSync(path).isFile()).toBe(true)
    expect(await store.blobs.read(digest)).toEqual(bytes)
    expect(statSync(outside).size).toBe(9)
  })

  it('puts many as one group and counts only the bytes that are new', async () => {
    const store = await openTestStore()
    const blobs = Array.from({ length: 40 }, (_, i) => newBlob(type, noise(`${i % 30}`, 300)))
    const first = await store.writer.putMany(blobs)
    expect(first.bytesWritten).toBe(30 * 300)
    expect(first.descriptors.map(d => d.digest)).toEqual(blobs.map(b => sha256(b.bytes)))
    expect((await store.writer.putMany(blobs)).bytesWritten).toBe(0)
  })

  it('refuses a stream that is longer, shorter or other than announced, and leaves nothing', async () => {
    const store = await openTestStore()
    const bytes = noise('a', 3000)
    const expected = { digest: sha256(bytes), size: 3000 }
    const put = (...chunks: Uint8Array[]) =>
      codeOf(
        store.writer.putStream(
          (async function* () {
            yield* chunks
          })(),
          { mediaType: type, expected },
        ),
      )
    expect(await put(bytes, new Uint8Array(1))).toBe('E_TOO_LARGE')
    expect(await put(bytes.subarray(0, 2999))).toBe('E_CORRUPT')
    expect(await put(noise('b', 3000))).toBe('E_CORRUPT')
    expect(readdirSync(join(store.folder, 'tmp'))).toEqual([])
    expect(readdirSync(join(store.folder, 'blobs/sha256'))).toEqual([])
    expect(await put(bytes.subarray(0, 1000), bytes.subarray(1000))).toBe('no error')
    expect(await store.blobs.read(expected.digest)).toEqual(bytes)
  })

  it('makes paths from parsed digests only', async () => {
    const store = await openTestStore()
    for (const name of [
      'sha256:../../../../etc/passwd',
      '../x',
      'sha256:',
      `sha256:${'a'.repeat(63)}/`,
      '',
      'sha512:00',
    ]) {
      expect(await codeOf(store.blobs.read(name as Digest)), name).toBe('E_BAD_DIGEST')
    }
  })
})
