/** What a tier is told of a piece of state, and what it says of what it holds. */
export type TierName = 'hot' | 'warm' | 'cold'

/** Where what is given up in a tier is still found; `gone`: nowhere, it has to be read again. */
export type Below = 'warm' | 'cold' | 'gone'

/** What happened to a piece of state in memory, and why; newest last. */
export interface TierMove {
  readonly at: number
  readonly label: string
  readonly bytes: number
  readonly from: TierName | 'new'
  readonly to: TierName | 'registry' | 'gone'
  readonly reason: string
}

/** How something was used in a tier, counted on when it comes back there. */
export interface UseHistory {
  readonly uses: number
  /** When it was first held, in bytes used in the tier until then. */
  readonly since: number
}

/** What is held: how much, what it is worth, and what to do when it is given up. */
export interface TierEntry {
  /** What it belongs to, as people would call it. */
  readonly label: string
  readonly bytes: number
  /** Tokens that would have to be read to have it again. */
  readonly cost: number
  readonly from: TierMove['from']
  /** Where it is found once it is given up here; a function is asked then. */
  readonly below: Below | ((label: string) => Below)
  readonly reason: string
  /** How it was used before it was last given up here. */
  readonly usedBefore?: UseHistory | undefined
  /** Called when it is given up to make room, with how it was used: afterwards nobody may use it. */
  evict(history: UseHistory): void
}

/** Says where pieces that are given up under a label are found once a tier has let go of them. */
export type FindBelow = (pieces: readonly unknown[], label: string) => Below

/** The holder's side of an entry. */
export interface MemoryHold {
  /** What it is counted under now. */
  readonly label: string
  readonly isPinned: boolean
  /** What keeping it is worth now: what is worth least goes first, what must stay is infinitely so. */
  worth(): number
  /** It is being used, from now on for what `label` says: it cannot be given up until {@link MemoryHold.rest}. */
  use(label: string): void
  rest(): void
  /** It was useful just now. */
  touch(): void
  /** It takes so many bytes from now on. */
  resize(bytes: number): void
  /** Its owner frees it, for this reason where something is given up; {@link TierEntry.evict} is not called. */
  drop(reason?: string): void
}

/** What a tier holds at one moment. */
export interface TierView {
  readonly bytes: number
  readonly budget: number
  readonly inUse: number
  /** Beside what is in use. */
  readonly pinned: number
  readonly entries: readonly {
    readonly label: string
    readonly reason: string
    readonly bytes: number
    readonly uses: number
    readonly pinned: boolean
    readonly inUse: boolean
  }[]
}
