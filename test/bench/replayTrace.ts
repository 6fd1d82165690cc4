import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { Pool } from '#engine/live/pool.ts'
import type { BranchyTrace } from './branchyTrace.ts'

/** Keeps states within a budget. */
export interface Keeper {
  has(state: number): boolean
  /** It was used, or made just now. */
  use(state: number, size: { readonly bytes: number; readonly cost: number }): void
}

/** The product's own tier and pool. */
export function tierKeeper(budget: number): Keeper {
  const pool = new Pool<number>(new MemoryTier('warm', { budget }))
  return {
    has: state => pool.has(String(state)),
    use: (state, { bytes, cost }) => {
      const label = String(state)
      if (pool.has(label)) void pool.get(label, { label, bytes, cost, load: () => Promise.resolve(state) })
      else pool.put(label, state, { label, bytes, cost })
    },
  }
}

/** What was used least recently goes. */
export function lruKeeper(budget: number): Keeper {
  const held = new Map<number, number>()
  let sum = 0
  return {
    has: state => held.has(state),
    use: (state, { bytes }) => {
      sum += bytes - (held.get(state) ?? 0)
      held.delete(state)
      held.set(state, bytes)
      for (const [oldest, size] of held) {
        if (sum <= budget) break
        held.delete(oldest)
        sum -= size
      }
    },
  }
}

/**
 * Tokens that are read because no state was kept that has them. Whoever asks for a state goes on from the deepest kept one
 * it grew from; the states passed on the way are kept, too, as long as there is room. `fixed` and `perToken`: bytes.
 */
export function tokensReread(
  { states, asks }: BranchyTrace,
  keeper: Keeper,
  { fixed, perToken }: { readonly fixed: number; readonly perToken: number },
): number {
  let read = 0
  for (const asked of asks) {
    const path: number[] = []
    for (let at: number | null = asked; at !== null; at = states[at]?.parent ?? null) path.unshift(at)
    const known = path.findLastIndex(state => keeper.has(state))
    let position = 0
    for (const [index, state] of path.entries()) {
      const tokens = states[state]?.tokens ?? 0
      position += tokens
      if (index < known) continue
      if (index > known) read += tokens
      keeper.use(state, { bytes: fixed + perToken * tokens, cost: perToken > 0 ? tokens : position })
    }
  }
  return read
}
