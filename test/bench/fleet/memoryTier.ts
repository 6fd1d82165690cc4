/** What a server has in memory: the entry that was used longest ago goes first. */
export class MemoryTier {
  readonly #budget: number
  readonly #bytes = new Map<number, number>()
  #held = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  /** Whether it is there; then it counts as used. */
  use(key: number): boolean {
    const bytes = this.#bytes.get(key)
    if (bytes === undefined) return false
    this.#bytes.delete(key)
    this.#bytes.set(key, bytes)
    return true
  }

  put(key: number, bytes: number): void {
    this.drop(key)
    if (bytes > this.#budget) return
    this.#bytes.set(key, bytes)
    this.#held += bytes
    for (const [oldest] of this.#bytes) {
      if (this.#held <= this.#budget) break
      this.drop(oldest)
    }
  }

  drop(key: number): void {
    this.#held -= this.#bytes.get(key) ?? 0
    this.#bytes.delete(key)
  }
}
