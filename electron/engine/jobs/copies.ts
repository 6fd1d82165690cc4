import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { storeError } from '../store/fsError.ts'

const ENDING = '.cartridge'

/** Copies of files that pages sent, kept until their jobs are done or dismissed: a page may be gone before. */
export class Copies {
  readonly #folder: string
  /** Those that are being written, and have no job yet. */
  readonly #arriving = new Set<string>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Keeps what arrives, and hands it over when all of it is there. Throws what sending and the disk throw; then nothing is kept. */
  async keep<T>(
    upload: AsyncIterable<Uint8Array>,
    {
      signal,
      handOver,
    }: { readonly signal: AbortSignal; readonly handOver: (file: { path: string; size: number }) => T },
  ): Promise<T> {
    const name = `${randomUUID()}${ENDING}`
    const path = join(this.#folder, name)
    this.#arriving.add(name)
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await pipeline(
        Readable.from(upload, { objectMode: true }),
        createWriteStream(path, { mode: 0o600, flush: true }),
        {
          signal,
        },
      )
      return handOver({ path, size: (await stat(path)).size })
    } catch (thrown) {
      await rm(path, { force: true })
      throw thrown instanceof StatePackError ? thrown : storeError(thrown, 'keep the file', 'write')
    } finally {
      this.#arriving.delete(name)
    }
  }

  /** Deletes what no job needs any more. */
  async sweep(needed: ReadonlySet<string>): Promise<void> {
    const found = await readdir(this.#folder).catch(() => [])
    const left = found.filter(name => !this.#arriving.has(name) && !needed.has(join(this.#folder, name)))
    await Promise.all(left.map(name => rm(join(this.#folder, name), { force: true })))
  }
}
