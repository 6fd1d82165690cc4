import { MemoryTier } from '#engine/inference/memoryTier.ts'
import { BLOCK_TOKENS } from '#engine/inference/stateSnapshot.ts'
import { Pool } from '#engine/live/pool.ts'
import type { BranchyTrace } from './branchyTrace.ts'

/** What is kept of a state: all of a recurrent one at once, keys and values by blocks. */
export interface Piece {
  readonly key: string
  readonly bytes: number
  /** Tokens to read to have it again. */
  readonly cost: number
}

/** Keeps pieces within a budget. */
export interface Keeper {
  has(key: string): boolean
  /** It was used, or made just now. */
  use(piece: Piece): void
}

/** The product's choice; it lets go of what nobody will ask for any more. */
interface TierKeeper extends Keeper {
  drop(key: string): void
}

/** The product's own tier and pool. */
export function tierKeeper(budget: number): TierKeeper {
  const pool = new Pool<string>(new MemoryTier('warm', { budget }))
  return {
    has: key => pool.has(key),
    use: ({ key, bytes, cost }) => {
      if (pool.has(key)) void pool.get(key, { label: key, bytes, cost, load: () => Promise.resolve(key) })
      else pool.put(key, key, { label: key, bytes, cost })
    },
    drop: key => pool.forget(key),
  }
}

/** What was used least recently goes. */
export function lruKeeper(budget: number): Keeper {
  const held = new Map<string, number>()
  let sum = 0
  return {
    has: key => held.has(key),
    use: ({ key, bytes }) => {
      sum += bytes - (held.get(key) ?? 0)
      held.delete(key)
      held.set(key, bytes)
      for (const [oldest, size] of held) {
        if (sum <= budget) break
        held.delete(oldest)
        sum -= size
      }
    },
  }
}

/** Keeps everything: what is read then has to be read by anybody. */
export const readOnce = () => lruKeeper(Number.POSITIVE_INFINITY)

/** How a kind of state is kept, in bytes. */
export type KeptAs = { readonly perState: number } | { readonly perToken: number }

/**
 * Tokens that are read because nothing was kept that has them. Whoever asks for a state goes on from the deepest kept one it
 * grew from. Keys and values are kept as the product does, in blocks of 64 tokens that whoever shares the text shares; the
 * unfinished last block is the state's own. `deepestFirst`: the order in which a state's blocks are used, the product's
 * unless given; a beginning is then worth no less than what is of use only after it.
 */
export function tokensReread(
  trace: BranchyTrace,
  keeper: Keeper,
  { kept, deepestFirst = true }: { readonly kept: KeptAs; readonly deepestFirst?: boolean },
): number {
  let read = 0
  for (const asked of trace.asks) {
    const path = pathTo(trace, asked)
    const end = path.at(-1)?.end ?? 0
    if ('perState' in kept) {
      const known = path.findLastIndex(({ state }) => keeper.has(`${state}`))
      read += end - (path[known]?.end ?? 0)
      for (const { state, end: cost } of path.slice(Math.max(0, known)))
        keeper.use({ key: `${state}`, bytes: kept.perState, cost })
      continue
    }
    const blocks = blocksOf(path)
    const missing = blocks.findIndex(({ key }) => !keeper.has(key))
    const known = missing < 0 ? end : Math.max(missing * BLOCK_TOKENS, tailOfParent(path, missing, keeper))
    read += end - known
    for (const { key, tokens } of deepestFirst ? blocks.reverse() : blocks)
      keeper.use({ key, bytes: kept.perToken * tokens, cost: tokens })
  }
  return read
}

interface Step {
  readonly state: number
  /** Tokens from the beginning. */
  readonly end: number
}

function pathTo({ states }: BranchyTrace, asked: number): Step[] {
  const path: number[] = []
  for (let at: number | null = asked; at !== null; at = states[at]?.parent ?? null) path.unshift(at)
  let end = 0
  return path.map(state => {
    end += states[state]?.tokens ?? 0
    return { state, end }
  })
}

/** A full block belongs to the state in which it was filled. */
function blocksOf(path: readonly Step[]): { readonly key: string; readonly tokens: number }[] {
  const end = path.at(-1)?.end ?? 0
  return Array.from({ length: Math.ceil(end / BLOCK_TOKENS) }, (_, index) => {
    const to = Math.min(end, (index + 1) * BLOCK_TOKENS)
    const owner = path.find(step => step.end >= to)?.state
    return { key: `${owner} ${to}`, tokens: to - index * BLOCK_TOKENS }
  })
}

/** Where the parent ends, when it ends in the first block that is missing and its own form of that block is kept. */
function tailOfParent(path: readonly Step[], missing: number, keeper: Keeper): number {
  const parent = path.at(-2)
  if (parent === undefined || Math.floor(parent.end / BLOCK_TOKENS) !== missing) return 0
  return keeper.has(`${parent.state} ${parent.end}`) ? parent.end : 0
}
