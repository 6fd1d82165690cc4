import type { MemoryTier } from '../inference/memoryTier.ts'
import { freeBytes } from '../network/requireFree.ts'
import type { Store } from '../store/store.ts'

/** Of what is free on the disk when it is first asked, where nobody has set a budget. */
const FREE_PART = 1 / 4

/**
 * How much of the disk states may take: what somebody stored, which is never given up by itself, and what the cold tier keeps
 * beside it, as far as there is room.
 */
export class ColdBudget {
  readonly #tier: MemoryTier
  readonly #store: Pick<Store, 'parts' | 'readOnly' | 'folder'>
  #limit: number | null
  /** Where nobody has set one. */
  #automatic: number | null = null

  /** `limit`: bytes; null: what there is and a quarter of what is free. */
  constructor(
    tier: MemoryTier,
    { store, limit }: { readonly store: Pick<Store, 'parts' | 'readOnly' | 'folder'>; readonly limit: number | null },
  ) {
    this.#tier = tier
    this.#store = store
    this.#limit = limit
  }

  async set(limit: number | null): Promise<void> {
    this.#limit = limit
    this.#automatic = null
    await this.refresh()
  }

  /**
   * Gives the tier what the budget leaves beside what is stored now. Returns both. Throws what counting throws; the budget is
   * then what it was.
   */
  async refresh(): Promise<{ readonly limit: number; readonly own: number }> {
    const { parts, readOnly, folder } = this.#store
    const own = await parts.diskUse.bytes()
    if (this.#limit === null)
      this.#automatic ??= own + this.#tier.bytes + Math.floor((await freeBytes(folder)) * FREE_PART)
    const limit = this.#limit ?? this.#automatic ?? own
    const budget = readOnly ? 0 : Math.max(0, limit - own)
    if (budget !== this.#tier.budget) this.#tier.budget = budget
    return { limit, own }
  }
}
