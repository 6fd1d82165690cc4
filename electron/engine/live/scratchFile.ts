import { discard } from '../store/durableFile.ts'
import type { FsFile } from '../store/fs.ts'
import { partOf } from '../store/partOf.ts'
import type { StoreParts } from '../store/storeParts.ts'
import { tempPath } from '../store/tempFiles.ts'
import { type Extent, FreeSpace } from './freeSpace.ts'

/** What is moved is read at once. */
const PIECE = 8 * 1024 * 1024

/**
 * One file for much that comes and goes, open as long as this is: making a file for each takes several times as long as writing
 * it. What is given back is written again, so it is never longer than the most that was in it at once. Never flushed. Not for two
 * at a time, but for reading.
 */
export class ScratchFile {
  readonly #store: Pick<StoreParts, 'fs' | 'layout'>
  readonly #space = new FreeSpace()
  #open: { readonly path: string; readonly file: FsFile } | null = null
  /** At most so long is the file. */
  #length = 0

  constructor(store: Pick<StoreParts, 'fs' | 'layout'>) {
    this.#store = store
  }

  /** Bytes up to the end of what is in it. */
  get end(): number {
    return this.#space.end
  }

  /**
   * Writes parts, each of pieces one after the other, in a file of at most so many bytes if it can be. Returns where each part lies.
   * Throws what writing throws; nothing is taken then.
   */
  async write(parts: readonly (readonly Uint8Array[])[], most: number): Promise<readonly (readonly Extent[])[]> {
    const places = parts.map(pieces => {
      const size = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
      return this.#space.take(size, most)
    })
    await this.#fill(places.flat(), parts.flat())
    return places
  }

  /** `size` bytes from the `from`-th of what lies in these; zeros where the file is shorter. */
  async read(extents: readonly Extent[], from: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#open?.file
    if (file === undefined) return new Uint8Array(size)
    const [only, ...more] = within(extents, from, size)
    if (only?.size === size) return file.read(only.at, size)
    const out = new Uint8Array(size)
    let at = 0
    for (const part of only === undefined ? [] : [only, ...more]) {
      out.set(await file.read(part.at, part.size), at)
      at += part.size
    }
    return out
  }

  give(extents: readonly Extent[]): void {
    this.#space.give(extents)
  }

  /**
   * Copies what of these lies behind the first `most` bytes to what is free before. Returns where all of it is then, and, to be
   * given back once nobody reads there, what it left; where it is not wanted any more, what it came to.
   */
  async moveBefore(most: number, extents: readonly Extent[]) {
    const [now, left, moved]: [Extent[], Extent[], Extent[]] = [[], [], []]
    try {
      for (const { at, size } of extents) {
        const stays = Math.min(size, Math.max(0, most - at))
        if (stays > 0) now.push({ at, size: stays })
        for (let done = stays; done < size; done += PIECE) {
          const piece = { at: at + done, size: Math.min(PIECE, size - done) }
          const there = await this.#fill(this.#space.takeFirst(piece.size), [await this.read([piece], 0, piece.size)])
          left.push(piece)
          moved.push(...there)
          now.push(...there)
        }
      }
    } catch (error) {
      this.#space.give(moved)
      throw error
    }
    return { now, left, moved }
  }

  /** Gives the disk back what is free at the end. */
  async cut(): Promise<void> {
    if (this.#open === null || this.#length <= this.end) return
    const { end } = this
    await this.#open.file.cut(end)
    this.#length = end
  }

  async close(): Promise<void> {
    if (this.#open === null) return
    const { file, path } = this.#open
    this.#open = null
    await file.close().catch(() => {})
    await discard(this.#store.fs, path)
  }

  async #fill(extents: readonly Extent[], pieces: readonly Uint8Array[]): Promise<readonly Extent[]> {
    if (extents.length === 0) return extents
    try {
      const file = await this.#file()
      let from = 0
      for (const { at, size } of joined(extents)) {
        this.#length = Math.max(this.#length, at + size)
        await file.writeAt(at, partOf(pieces, from, size))
        from += size
      }
      return extents
    } catch (error) {
      this.#space.give(extents)
      throw error
    }
  }

  async #file(): Promise<FsFile> {
    if (this.#open === null) {
      const path = tempPath(this.#store.layout.unstored)
      this.#open = { path, file: await this.#store.fs.open(path, 'create') }
    }
    return this.#open.file
  }
}

/** The same bytes in the same order, those that lie one after the other together. */
function joined(extents: readonly Extent[]): Extent[] {
  const runs: Extent[] = []
  for (const { at, size } of extents) {
    const last = runs.at(-1)
    if (last !== undefined && last.at + last.size === at)
      runs[runs.length - 1] = { at: last.at, size: last.size + size }
    else runs.push({ at, size })
  }
  return runs
}

/** The bytes of a file that hold `size` bytes from the `from`-th of what lies in these extents. */
function within(extents: readonly Extent[], from: number, size: number): Extent[] {
  let before = 0
  return extents.flatMap(extent => {
    const begin = Math.max(0, from - before)
    const end = Math.min(extent.size, from + size - before)
    before += extent.size
    return begin < end ? [{ at: extent.at + begin, size: end - begin }] : []
  })
}
