import type { Client } from '#shared/rpc/client.ts'

export interface StateCounts {
  /** States with something in memory. */
  readonly hot: number
  /** States on disk. */
  readonly cached: number
}

/** The engine is asked no more often than this, milliseconds: each answer takes time that it could work. */
const SETTLED_MS = 1000

/**
 * How many states there are, as last heard from the engine. It is asked again when somebody wants to know and something has
 * changed; whoever wants to know is told what is known and never waits, so that a busy engine cannot delay the answer. Where
 * nobody asks, nothing is.
 */
export function stateCounts(client: Client): () => StateCounts {
  let counts: StateCounts = { hot: 0, cached: 0 }
  let isStale = true
  let isAsking = false
  let askedAt = Number.NEGATIVE_INFINITY
  const refresh = async () => {
    isStale = false
    isAsking = true
    askedAt = performance.now()
    try {
      const { tiers, stored } = await client.call('memory.status', {})
      const inMemory = tiers.filter(({ tier }) => tier !== 'cold').flatMap(({ holdings }) => holdings)
      const hot = new Set(inMemory.flatMap(({ packetId }) => packetId ?? []))
      counts = { hot: hot.size, cached: stored }
    } catch {
      // The engine is being started, or busy: the next question asks again.
      isStale = true
    }
    isAsking = false
  }
  const changed = () => {
    isStale = true
  }
  client.on('memory.changed', changed)
  client.on('library.changed', changed)
  return () => {
    if (isStale && !isAsking && performance.now() - askedAt >= SETTLED_MS) void refresh()
    return counts
  }
}
