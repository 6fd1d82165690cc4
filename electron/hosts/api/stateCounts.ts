import type { Client } from '#shared/rpc/client.ts'

export interface StateCounts {
  /** States with something in memory. */
  readonly hot: number
  /** States on disk. */
  readonly cached: number
}

/** Milliseconds after a change in which others may follow. */
const SETTLED_MS = 1000

/**
 * How many states there are, as last heard from the engine: asked again after something has changed, never while somebody
 * waits for the answer, so that a busy engine cannot delay it, and not after every change, which would delay the engine.
 */
export function stateCounts(client: Client): () => StateCounts {
  let counts: StateCounts = { hot: 0, cached: 0 }
  let isStale = true
  let isAsking = false
  const refresh = async () => {
    if (isAsking || !isStale) return
    isAsking = true
    isStale = false
    try {
      const { tiers, cold } = await client.call('memory.status', {})
      const hot = new Set(tiers.flatMap(({ holdings }) => holdings.flatMap(({ packetId }) => packetId ?? [])))
      counts = { hot: hot.size, cached: cold.packets }
    } catch {
      // The engine is being started, or busy: the next question asks again.
      isStale = true
    }
    isAsking = false
  }
  let isSettling = false
  const changed = () => {
    isStale = true
    if (isSettling) return
    isSettling = true
    setTimeout(() => {
      isSettling = false
      void refresh()
    }, SETTLED_MS).unref()
  }
  client.on('memory.changed', changed)
  client.on('library.changed', changed)
  return () => {
    void refresh()
    return counts
  }
}
