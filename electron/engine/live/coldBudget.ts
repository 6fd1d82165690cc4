import type { Digest } from '#shared/domain/digest.ts'
import type { MemoryTier } from '../inference/memoryTier.ts'
import type { TierMove } from '../inference/tierEntry.ts'
import { freeBytes } from '../network/requireFree.ts'
import type { RemotePlace, RemoteRows } from '../store/library/remoteRows.ts'
import type { Store } from '../store/store.ts'

/** Of what is free on the disk when it is first asked, where nobody has set a budget. */
const FREE_PART = 1 / 4
/** What an operation has named is noted once in so long, for other processes too. */
const NOTED_MS = 10 * 60 * 1000
/** What was used, or named, within the hour stays: an operation may be going on from it. */
const RECENT_MS = 60 * 60 * 1000 + NOTED_MS
/** So long after their last use states stay that programs' answers led to, where the disk has room. */
const RETAINED_MS = 30 * 24 * 60 * 60 * 1000
/** Collecting reads every manifest: no more often than this. */
const PAUSE_MS = 60_000
/** So much of the budget is left to what is stored when room is made, so that it is not made again at once. */
const ROOM_PART = 9 / 10

type Loose = ReturnType<RemoteRows['copies']>[number]

export interface ColdBudgetOptions {
  readonly store: Store
  /** Bytes; null: what there is and a quarter of what is free. */
  readonly limit: number | null
  /** The repository that states are fetched from when they are asked for; null: there is none. */
  readonly registry: RemotePlace | null
  /** Blobs that must not be collected. */
  readonly keep: () => ReadonlySet<Digest>
  readonly onMove: (move: TierMove) => void
  /** These are in the library no more. */
  readonly onGone: (packetIds: readonly Digest[]) => void
  /** The tier has less than before: the disk is to have it back. */
  readonly onLess: () => void
  /** Has something done when the running operation is over; false outside of any. */
  readonly whenOver?: (release: () => void) => boolean
}

/**
 * How much of the disk states may take: what somebody stored, which is never given up by itself, and what the cold tier keeps
 * beside it, as far as there is room. Where what is stored takes more, what nothing refers to any more goes, copies of states that
 * the registry has, then states that programs' answers led to; the latter also when they are old.
 */
export class ColdBudget {
  readonly #tier: MemoryTier
  readonly #options: ColdBudgetOptions
  #limit: number | null
  /** Where nobody has set one. */
  #automatic: number | null = null
  /** When operations named states last, longest ago first. */
  readonly #named = new Map<Digest, number>()
  #collecting: Promise<void> | null = null
  #collected = Number.NEGATIVE_INFINITY
  /** When it was looked for what is old. */
  #aged = Number.NEGATIVE_INFINITY
  /** Bytes that were stored when that was over. */
  #left = Number.NEGATIVE_INFINITY

  constructor(tier: MemoryTier, options: ColdBudgetOptions) {
    this.#tier = tier
    this.#options = options
    this.#limit = options.limit
  }

  async set(limit: number | null): Promise<void> {
    if (limit === this.#limit) return
    this.#limit = limit
    this.#automatic = null
    this.#collected = Number.NEGATIVE_INFINITY
    this.#left = Number.NEGATIVE_INFINITY
    await this.refresh()
  }

  /**
   * Gives the tier what the budget leaves beside what is stored now. Returns both. Throws what counting throws; the budget is
   * then what it was.
   */
  async refresh(): Promise<{ readonly limit: number; readonly own: number }> {
    const { readOnly, folder } = this.#options.store
    const own = await this.#stored()
    if (this.#limit === null)
      this.#automatic ??= own + this.#tier.bytes + Math.floor((await freeBytes(folder)) * FREE_PART)
    const limit = this.#limit ?? this.#automatic ?? own
    const budget = readOnly ? 0 : Math.max(0, limit - own)
    const isLess = budget < this.#tier.budget
    if (budget !== this.#tier.budget) this.#tier.budget = budget
    if (isLess) this.#options.onLess()
    if (!readOnly && (own > limit || this.#isAging())) this.#collect({ limit, own })
    return { limit, own }
  }

  /** An operation goes on from a state: it stays until that is over, for every process, and an hour from what is given up here. */
  use(packetId: Digest): void {
    const { store, whenOver = () => false } = this.#options
    const release = store.parts.holds.take(packetId)
    if (!whenOver(release)) release()
    const now = store.parts.now()
    if (now - (this.#named.get(packetId) ?? Number.NEGATIVE_INFINITY) < NOTED_MS) return
    if (!store.readOnly) store.library.retained.use(packetId, now)
    this.#named.delete(packetId)
    this.#named.set(packetId, now)
    for (const [oldest, at] of this.#named) {
      if (now - at < RECENT_MS) return
      this.#named.delete(oldest)
    }
  }

  /** Resolves when room that is being made is made. */
  async settle(): Promise<void> {
    await this.#collecting
  }

  #isAging(): boolean {
    const now = this.#options.store.parts.now()
    if (now - this.#aged < RECENT_MS) return false
    this.#aged = now
    return this.#old(now).length > 0 || this.#options.store.library.retained.gone(now - RECENT_MS).length > 0
  }

  #collect({ limit, own }: { readonly limit: number; readonly own: number }): void {
    const now = this.#options.store.parts.now()
    // Where nothing came since, only what has become old meanwhile could go.
    const pause = own <= this.#left ? RECENT_MS : PAUSE_MS
    if (this.#collecting !== null || now - this.#collected < pause) return
    this.#collected = now
    this.#collecting = this.#makeRoom({ limit, own }, now)
      // What could not be removed is counted still: it is tried again.
      .catch(() => {})
      .finally(() => {
        this.#collecting = null
      })
  }

  async #makeRoom({ limit, own }: { limit: number; own: number }, now: number): Promise<void> {
    const { store, registry } = this.#options
    const { remotes, retained } = store.library
    const old = () => this.#old(now)
    // Also takes what was let go.
    if (old().length > 0 || retained.gone(now - RECENT_MS).length > 0)
      await this.#give(old, { at: now, to: 'gone', reason: 'not used for 30 days' }, Number.NEGATIVE_INFINITY)
    if (own > limit) {
      const reason = 'what is stored takes more than the budget'
      const copies = () => (registry === null ? [] : remotes.copies(registry, now - RECENT_MS, now))
      await this.#give(copies, { at: now, to: 'registry', reason }, limit * ROOM_PART)
      const answers = () => retained.loose(now - RECENT_MS, now)
      if (answers().length > 0) await this.#give(answers, { at: now, to: 'gone', reason }, limit * ROOM_PART)
    }
    this.#left = await this.#stored()
  }

  /** Bytes of what is stored: blobs, and what answers told. */
  async #stored(): Promise<number> {
    const { parts, library } = this.#options.store
    return (await parts.diskUse.bytes()) + library.answers.bytes()
  }

  #old(now: number): Loose[] {
    return this.#options.store.library.retained.loose(now - RETAINED_MS, now)
  }

  /** Gives up what of these no operation has named lately, in their order, until what is stored takes no more than `most`. */
  async #give(loose: () => Loose[], why: Pick<TierMove, 'at' | 'to' | 'reason'>, most: number): Promise<void> {
    const { store, keep, onMove, onGone } = this.#options
    let found: readonly Loose[] = []
    // As they are then: somebody may have made one their own meanwhile.
    const copies = () => {
      const held = store.parts.holds.held()
      const isUnused = ({ packetId }: Loose) =>
        !held.has(packetId) && why.at - (this.#named.get(packetId) ?? 0) >= RECENT_MS
      found = loose().filter(isUnused)
      return found.map(({ packetId }) => packetId)
    }
    await store.gc({ keep: keep(), room: { most, copies } })
    const gone = found.filter(({ packetId }) => store.library.packets.get(packetId) === null)
    for (const { packetId: label, bytes } of gone) onMove({ ...why, label, bytes, from: 'cold' })
    if (gone.length > 0) onGone(gone.map(({ packetId }) => packetId))
  }
}
