/** Of so many that were worth least the order is remembered, or an eighth of all: of few, none. */
const RANKED = 256
const RANKED_PART = 1 / 8

/**
 * What may go, the least worth first. What something is worth changes slowly unless it is used, so all of it is looked at only
 * now and then: in between, the least of those that were worth least then, of what has not been used since, and of what came since.
 */
export class LeastFirst<Item> {
  readonly #all: () => Iterable<Item>
  readonly #worth: (item: Item) => number
  /** Least first, as it was when all were looked at. */
  readonly #ranked = new Set<Item>()
  readonly #since = new Set<Item>()

  /** `all`: what may go now. */
  constructor(all: () => Iterable<Item>, worth: (item: Item) => number) {
    this.#all = all
    this.#worth = worth
  }

  /** It may go from now on. */
  add(item: Item): void {
    this.#since.add(item)
  }

  /** It was used: it is not among those worth least. */
  used(item: Item): void {
    this.#ranked.delete(item)
  }

  /** It is gone, or may not go. */
  remove(item: Item): void {
    this.#ranked.delete(item)
    this.#since.delete(item)
  }

  /** null: nothing may go. */
  least(): Item | null {
    if (this.#ranked.size === 0 || this.#since.size > RANKED) this.#rank()
    let [least = null] = this.#ranked
    let lowest = least === null ? Number.POSITIVE_INFINITY : this.#worth(least)
    for (const item of this.#since) {
      const worth = this.#worth(item)
      if (least !== null && worth >= lowest) continue
      least = item
      lowest = worth
    }
    return least
  }

  #rank(): void {
    this.#ranked.clear()
    this.#since.clear()
    const items = [...this.#all()]
    const worths = Float64Array.from(items, this.#worth)
    const count = Math.max(1, Math.min(RANKED, Math.floor(items.length * RANKED_PART)))
    const most = worths.toSorted()[count - 1] ?? 0
    const places = [...worths.keys()].filter(place => (worths[place] ?? 0) <= most)
    places.sort((a, b) => (worths[a] ?? 0) - (worths[b] ?? 0))
    for (const place of places.slice(0, count)) {
      const item = items[place]
      if (item !== undefined) this.#ranked.add(item)
    }
  }
}
