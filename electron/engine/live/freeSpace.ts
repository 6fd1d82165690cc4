/** Bytes of a file from `at` on. */
export interface Extent {
  readonly at: number
  readonly size: number
}

/** Which bytes of a file are free that is written again and again: holes in it, and all behind its end. */
export class FreeSpace {
  /** In their order; none touches another, or the end. */
  #holes: Extent[] = []
  #end = 0

  /** Behind this nothing is taken. */
  get end(): number {
    return this.#end
  }

  /** Room for so many bytes: together in the smallest hole that has it, else at the end up to `most`, else from many holes. */
  take(size: number, most: number): Extent[] {
    if (size === 0) return []
    const large = this.#holes.filter(hole => hole.size >= size)
    const smallest = large.reduce<Extent | null>((best, hole) => (best && best.size <= hole.size ? best : hole), null)
    if (smallest !== null) return [this.#takeFrom(smallest, size)]
    return this.#end + size <= most ? [this.#takeEnd(size)] : this.takeFirst(size)
  }

  /** The first bytes that are free, wherever they are. */
  takeFirst(size: number): Extent[] {
    const taken: Extent[] = []
    let left = size
    for (const hole of [...this.#holes]) {
      if (left === 0) break
      const part = this.#takeFrom(hole, Math.min(left, hole.size))
      taken.push(part)
      left -= part.size
    }
    if (left > 0) taken.push(this.#takeEnd(left))
    return taken
  }

  give(extents: readonly Extent[]): void {
    const holes: Extent[] = []
    for (const { at, size } of [...this.#holes, ...extents].sort((a, b) => a.at - b.at)) {
      const last = holes.at(-1)
      if (last !== undefined && last.at + last.size === at)
        holes[holes.length - 1] = { at: last.at, size: last.size + size }
      else holes.push({ at, size })
    }
    const last = holes.at(-1)
    if (last !== undefined && last.at + last.size === this.#end) {
      this.#end = last.at
      holes.pop()
    }
    this.#holes = holes
  }

  #takeFrom(hole: Extent, size: number): Extent {
    const place = this.#holes.indexOf(hole)
    const rest = size === hole.size ? [] : [{ at: hole.at + size, size: hole.size - size }]
    this.#holes.splice(place, 1, ...rest)
    return { at: hole.at, size }
  }

  #takeEnd(size: number): Extent {
    const at = this.#end
    this.#end += size
    return { at, size }
  }
}
