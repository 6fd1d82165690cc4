/**
 * Large arrays that closed sessions gave back, for the next session: fresh memory costs more to touch than to fill. What is
 * in them is left over; whoever takes one reads only what it wrote.
 */
export class BufferPool {
  readonly #capBytes: number
  /** By length, each list oldest first. Lengths are in the order in which they were last given. */
  readonly #free = new Map<number, Float32Array[]>()
  #bytes = 0

  constructor(capBytes = 128 * 1024 * 1024) {
    this.#capBytes = capBytes
  }

  take(length: number): Float32Array {
    const found = this.#free.get(length)?.pop()
    if (found === undefined) return new Float32Array(length)
    this.#bytes -= found.byteLength
    return found
  }

  /** The array must be whole (no view of another) and no longer used by whoever gives it. */
  give(array: Float32Array): void {
    const list = this.#free.get(array.length) ?? []
    this.#free.delete(array.length)
    this.#free.set(array.length, list)
    list.push(array)
    this.#bytes += array.byteLength
    for (const [length, old] of this.#free) {
      while (this.#bytes > this.#capBytes && old.length > 0) this.#bytes -= old.shift()?.byteLength ?? 0
      if (old.length === 0) this.#free.delete(length)
    }
  }

  clear(): void {
    this.#free.clear()
    this.#bytes = 0
  }
}
