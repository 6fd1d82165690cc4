import type { MemoryTier } from '../inference/memoryTier.ts'
import type { MemoryHold, UseHistory } from '../inference/tierEntry.ts'

/** What it takes to have something again, and what it is called. */
export interface Poolable<Value> {
  readonly label: string
  /** Of memory, once it is there. */
  readonly bytes: number | ((value: Value) => number)
  /** Tokens that would have to be read to have it again. */
  readonly cost: number | ((value: Value) => number)
  /** Reads, verifies and decodes it. */
  readonly load: () => Promise<Value>
}

interface Pooled<Value> {
  readonly value: Value
  readonly bytes: Poolable<Value>['bytes']
  readonly hold: MemoryHold
}

/** How many of the things that were given up last have their uses remembered. */
const REMEMBERED = 8192

/**
 * Things that were verified when they came in, by the digest of their bytes, within a tier's budget. Loaded once, however
 * many ask at the same time. Their numbers are never written again, so all who have one share it. How often something was
 * used counts on when it comes back after it was given up: else what many come back to, but seldom, always looks new.
 */
export class Pool<Value> {
  readonly #tier: MemoryTier
  readonly #pooled = new Map<string, Pooled<Value>>()
  readonly #loading = new Map<string, Promise<Value>>()
  readonly #partOf: (value: Value) => unknown
  readonly #parts = new Set<unknown>()
  /** How what was given up had been used, longest ago first. */
  readonly #histories = new Map<string, UseHistory>()
  #hits = 0
  #misses = 0

  /** `partOf`: what of a value {@link Pool.holds} is asked for; the value itself unless given. */
  constructor(tier: MemoryTier, partOf: (value: Value) => unknown = value => value) {
    this.#tier = tier
    this.#partOf = partOf
  }

  get hits(): number {
    return this.#hits
  }

  get misses(): number {
    return this.#misses
  }

  /** Whether it is in memory, or on its way there. */
  has(key: string): boolean {
    return this.#pooled.has(key) || this.#loading.has(key)
  }

  /** Whether this very thing is in memory here, under whatever key. */
  holds(part: unknown): boolean {
    return this.#parts.has(part)
  }

  /** The value, from memory or loaded now (`loaded`: whether it had to be). Throws what loading throws; nothing is kept then. */
  async get(key: string, what: Poolable<Value>): Promise<{ readonly value: Value; readonly loaded: boolean }> {
    const pooled = this.#pooled.get(key)
    if (pooled !== undefined) {
      this.#hits += 1
      pooled.hold.touch()
      return { value: pooled.value, loaded: false }
    }
    this.#misses += 1
    const running = this.#loading.get(key) ?? this.#load(key, what)
    return { value: await running, loaded: true }
  }

  /** Keeps a value that is at hand, e.g. because its bytes were just written. */
  put(
    key: string,
    value: Value,
    { label, bytes, cost }: Omit<Poolable<Value>, 'load'>,
    from: 'new' | 'cold' = 'new',
  ): void {
    if (this.#pooled.has(key)) return
    let evicted = false
    const hold = this.#tier.hold({
      ...{ label, from, usedBefore: this.#histories.get(key) },
      below: now => this.#tier.findBelow([], now),
      cost: typeof cost === 'function' ? cost(value) : cost,
      bytes: typeof bytes === 'function' ? bytes(value) : bytes,
      reason: from === 'new' ? 'it was made' : 'it was opened',
      evict: history => {
        evicted = true
        this.#pooled.delete(key)
        this.#parts.delete(this.#partOf(value))
        this.#remember(key, history)
      },
    })
    // It may be worth less than all that is there.
    if (evicted) return
    this.#pooled.set(key, { value, bytes, hold })
    this.#parts.add(this.#partOf(value))
  }

  /** Asks again what a value takes; it may be more than there is room for. */
  recount(key: string, value: Value): void {
    const pooled = this.#pooled.get(key)
    if (pooled?.value !== value) return
    pooled.hold.resize(typeof pooled.bytes === 'function' ? pooled.bytes(value) : pooled.bytes)
  }

  /** Lets go of one value. */
  forget(key: string): void {
    const pooled = this.#pooled.get(key)
    if (pooled === undefined) return
    pooled.hold.drop()
    this.#pooled.delete(key)
    this.#parts.delete(this.#partOf(pooled.value))
  }

  #remember(key: string, history: UseHistory): void {
    this.#histories.delete(key)
    this.#histories.set(key, history)
    const [oldest] = this.#histories.keys()
    if (this.#histories.size > REMEMBERED && oldest !== undefined) this.#histories.delete(oldest)
  }

  #load(key: string, what: Poolable<Value>): Promise<Value> {
    const loading = what.load().then(value => {
      this.put(key, value, what, 'cold')
      return value
    })
    this.#loading.set(key, loading)
    const done = () => this.#loading.delete(key)
    loading.then(done, done)
    return loading
  }
}
