import type { Client } from '#shared/rpc/client.ts'

export interface StateCounts {
  /** States with something in memory. */
  readonly hot: number
  /** States on disk. */
  readonly cached: number
}

/**
 * How many states there are, as last heard from the engine: asked again after something has changed, never while somebody
 * waits for the answer, so that a busy engine cannot delay it.
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
  const changed = () => {
    isStale = true
    void refresh()
  }
  client.on('memory.changed', changed)
  client.on('library.changed', changed)
  return () => {
    void refresh()
    return counts
  }
}
