import { LeastFirst } from './leastFirst.ts'
import type { Below, FindBelow, MemoryHold, TierEntry, TierMove, TierName, TierView } from './tierEntry.ts'

interface Held {
  entry: TierEntry
  label: string
  uses: number
  readonly since: number
  /** When it was last used, like {@link UseHistory.since}. */
  last: number
  inUse: boolean
  pinned: boolean
  gone: boolean
}

/**
 * Memory with a budget in bytes. What is held beyond the budget is given up in the order of its value, least first: how often
 * it was used, over the mean (geometric) of how long it is known and how long it was not used, times the tokens it would take
 * to read again, over its bytes. Time is counted in bytes used, and a budget's worth of it is added to both, so that what is
 * new has a chance. (Frequency over lifetime: hyperbolic caching, A. Blankstein, S. Sen, M. Freedman, USENIX ATC 2017.)
 * What is in use or pinned stays.
 */
export class MemoryTier {
  readonly name: TierName
  /** Where pieces of what is here are found besides. */
  readonly findBelow: FindBelow
  /** Whether somebody can be given this very piece again, from the memory below. */
  readonly keepsBelow: (piece: unknown) => boolean
  readonly #held = new Set<Held>()
  readonly #free = new LeastFirst<Held>(
    () => [...this.#held].filter(mayGo),
    held => this.#value(held),
  )
  readonly #pinned = new Set<string>()
  readonly #bytesOf = new Map<string, number>()
  readonly #onMove: (move: TierMove) => void
  readonly #onUse: () => void
  #budget: number
  #bytes = 0
  /** Bytes used so far, each time anew. */
  #clock = 0

  /**
   * `onUse`: nothing moved, but what {@link MemoryTier.view} says of uses and pins did. `findBelow`: by default there is
   * nothing below. `keepsBelow`: by default whatever has not been collected as garbage counts.
   */
  constructor(
    name: TierName,
    options: {
      readonly budget: number
      readonly onMove?: (move: TierMove) => void
      readonly onUse?: () => void
      readonly findBelow?: FindBelow
      readonly keepsBelow?: (piece: unknown) => boolean
    },
  ) {
    this.name = name
    this.findBelow = options.findBelow ?? (() => 'gone')
    this.keepsBelow = options.keepsBelow ?? (() => true)
    this.#budget = options.budget
    this.#onMove = options.onMove ?? (() => {})
    this.#onUse = options.onUse ?? (() => {})
  }

  get bytes(): number {
    return this.#bytes
  }

  get budget(): number {
    return this.#budget
  }

  /** Whether so many bytes more are within the budget. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#budget
  }

  /** Changes the budget, in bytes; what no longer fits is given up now. */
  set budget(bytes: number) {
    this.#budget = bytes
    this.#makeRoom('the budget was lowered')
  }

  /** Counts an entry, and gives up what is worth least when that is more than the budget. */
  hold(entry: TierEntry, { inUse = false } = {}): MemoryHold {
    const held: Held = {
      entry,
      label: entry.label,
      uses: entry.usedBefore?.uses ?? 0,
      since: entry.usedBefore?.since ?? this.#clock,
      last: 0,
      inUse,
      pinned: this.#pinned.has(entry.label),
      gone: false,
    }
    this.#held.add(held)
    this.#freeOrNot(held)
    this.#count(entry.label, entry.bytes)
    this.#used(held)
    this.#onMove({
      at: Date.now(),
      label: entry.label,
      bytes: entry.bytes,
      from: entry.from,
      to: this.name,
      reason: entry.reason,
    })
    this.#makeRoom(`room for ${entry.label}`)
    return {
      get label() {
        return held.label
      },
      get isPinned() {
        return held.pinned
      },
      worth: () => (held.inUse || held.pinned ? Number.POSITIVE_INFINITY : this.#value(held)),
      use: label => {
        this.#rename(held, label)
        held.inUse = true
        this.#freeOrNot(held)
        this.#used(held)
        this.#onUse()
      },
      rest: () => {
        held.inUse = false
        this.#freeOrNot(held)
        this.#onUse()
        this.#makeRoom('the budget')
      },
      touch: () => {
        this.#used(held)
        this.#onUse()
      },
      resize: bytes => {
        if (held.gone) return
        this.#count(held.label, bytes - held.entry.bytes)
        held.entry = { ...held.entry, bytes }
        this.#free.remove(held)
        this.#freeOrNot(held)
        this.#onUse()
        this.#makeRoom('the budget')
      },
      drop: reason => {
        if (held.gone) return
        this.#forget(held)
        if (reason !== undefined) this.#left(held, belowOf(held), reason)
      },
    }
  }

  /** Bytes held under a label. */
  bytesOf(label: string): number {
    return this.#bytesOf.get(label) ?? 0
  }

  /** Keeps what carries this label whatever comes, or lets it go again. */
  pin(label: string, pinned: boolean): void {
    if (pinned) this.#pinned.add(label)
    else this.#pinned.delete(label)
    for (const held of this.#held) {
      if (held.label !== label) continue
      held.pinned = pinned
      this.#freeOrNot(held)
    }
    this.#onUse()
    if (!pinned) this.#makeRoom('it is no longer pinned')
  }

  /**
   * Gives up what would go next, as long as it is found on disk afterwards and is no more than so many bytes together: so what
   * leaves goes in one go, and nothing for a while after.
   */
  giveUpMore(bytes: number, reason: string): void {
    for (let left = bytes; ; ) {
      const next = this.#free.least()
      if (next === null || next.entry.bytes > left || belowOf(next) !== 'cold') return
      left -= next.entry.bytes
      this.#giveUp(next, reason)
    }
  }

  /** Gives up everything that is not in use or pinned. */
  purge(): void {
    for (const held of [...this.#held]) if (!held.inUse && !held.pinned) this.#giveUp(held, 'purged')
  }

  view(): TierView {
    const entries = [...this.#held].map(({ entry, label, uses, pinned, inUse }) => ({
      label,
      reason: entry.reason,
      bytes: entry.bytes,
      uses,
      pinned,
      inUse,
    }))
    let inUse = 0
    let pinned = 0
    for (const held of this.#held) {
      if (held.inUse) inUse += held.entry.bytes
      else if (held.pinned) pinned += held.entry.bytes
    }
    return { bytes: this.#bytes, budget: this.#budget, inUse, pinned, entries }
  }

  #used(held: Held): void {
    this.#clock += held.entry.bytes
    held.uses += 1
    held.last = this.#clock
    this.#free.used(held)
  }

  /** Whether it may be given up, after that has changed. */
  #freeOrNot(held: Held): void {
    if (mayGo(held)) this.#free.add(held)
    else this.#free.remove(held)
  }

  /** Worth of keeping it, squared: only its order counts. */
  #value({ entry, uses, since, last }: Held): number {
    const chance = this.#budget + 1
    const [known, idle] = [this.#clock - since + chance, this.#clock - last + chance]
    return ((uses * entry.cost) / entry.bytes) ** 2 / known / idle
  }

  #makeRoom(reason: string): void {
    while (this.#bytes > this.#budget) {
      const least = this.#free.least()
      if (least === null) return
      this.#giveUp(least, reason)
    }
  }

  #giveUp(held: Held, reason: string): void {
    const to = belowOf(held)
    const { uses, since } = held
    this.#forget(held)
    held.entry.evict({ uses, since })
    this.#left(held, to, reason)
  }

  #left({ entry, label }: Held, to: Below, reason: string): void {
    this.#onMove({ at: Date.now(), label, bytes: entry.bytes, from: this.name, to, reason })
  }

  #rename(held: Held, label: string): void {
    if (held.gone || held.label === label) return
    this.#count(held.label, -held.entry.bytes)
    held.label = label
    held.pinned = this.#pinned.has(label)
    this.#count(label, held.entry.bytes)
  }

  #count(label: string, bytes: number): void {
    this.#bytes += bytes
    const sum = (this.#bytesOf.get(label) ?? 0) + bytes
    if (sum === 0) this.#bytesOf.delete(label)
    else this.#bytesOf.set(label, sum)
  }

  #forget(held: Held): void {
    if (held.gone) return
    held.gone = true
    this.#held.delete(held)
    this.#free.remove(held)
    this.#count(held.label, -held.entry.bytes)
  }
}

/** Nothing is gained by giving up what takes no room. */
function mayGo({ entry, inUse, pinned, gone }: Held): boolean {
  return !gone && !inUse && !pinned && entry.bytes > 0
}

function belowOf({ entry, label }: Held): Below {
  return typeof entry.below === 'function' ? entry.below(label) : entry.below
}
