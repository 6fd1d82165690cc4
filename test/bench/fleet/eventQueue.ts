/** Events in the order of their times: a binary heap. */
export class EventQueue<T extends { readonly at: number }> {
  readonly #heap: T[] = []

  /** When the next one is; infinity for none. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  push(event: T): void {
    const heap = this.#heap
    let place = heap.length
    heap.push(event)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || parent.at <= event.at) break
      heap[place] = parent
      place = above
    }
    heap[place] = event
  }

  pop(): T | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let place = 0
    for (;;) {
      const left = 2 * place + 1
      const [a, b] = [heap[left], heap[left + 1]]
      if (a === undefined) break
      const [child, under] = b !== undefined && b.at < a.at ? [b, left + 1] : [a, left]
      if (last.at <= child.at) break
      heap[place] = child
      place = under
    }
    heap[place] = last
    return first
  }
}
