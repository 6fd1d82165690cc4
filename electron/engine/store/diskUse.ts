import { join } from 'node:path'
import type { Fs } from './fs.ts'
import { storeError, systemCode } from './fsError.ts'
import { inParallel } from './inParallel.ts'
import type { StoreLayout } from './layout.ts'

/** Other processes add and remove, too. */
const COUNTED_FOR_MS = 10 * 60 * 1000

/**
 * How many bytes the blobs of a store take, each once however many packets have it. They are counted when that is asked for, and
 * again when the count is old; in between, what this process adds and removes is added and taken away.
 */
export class DiskUse {
  readonly #fs: Fs
  readonly #layout: StoreLayout
  readonly #now: () => number
  #counted: Promise<number> | null = null
  #countedAt = 0
  /** Bytes since then. */
  #since = 0

  constructor(fs: Fs, layout: StoreLayout, now: () => number = Date.now) {
    this.#fs = fs
    this.#layout = layout
    this.#now = now
  }

  /** Throws `E_STORE_UNREADABLE`, `E_IO`. */
  async bytes(): Promise<number> {
    if (this.#counted === null || this.#now() - this.#countedAt > COUNTED_FOR_MS) {
      this.#since = 0
      this.#countedAt = this.#now()
      const counted = this.#count()
      this.#counted = counted
      // The next who asks tries again.
      counted.catch(() => {
        if (this.#counted === counted) this.#counted = null
      })
    }
    return (await this.#counted) + this.#since
  }

  /** So many bytes of blobs have come, or, where it is negative, have gone. */
  add(bytes: number): void {
    this.#since += bytes
  }

  async #count(): Promise<number> {
    const folder = this.#layout.blobs
    try {
      const sizes = await inParallel(await this.#fs.list(folder), 4, async name => {
        const status = await this.#fs.status(join(folder, name)).catch(error => {
          // Collected meanwhile.
          if (systemCode(error) === 'ENOENT') return null
          throw error
        })
        return status?.kind === 'file' ? status.size : 0
      })
      return sizes.reduce((sum, size) => sum + size, 0)
    } catch (error) {
      throw storeError(error, 'count what the store holds', 'read')
    }
  }
}
