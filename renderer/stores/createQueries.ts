import { type Query, QueryClient } from '@tanstack/react-query'
import type { Client } from '#shared/rpc/client.ts'
import { CHANGE_EVENTS, isFixed, type ReadMethod, staleBy } from './reads.ts'

/** What comes in a row, as the events of one operation do, is read again together; and no sooner than so long after the last time. */
const GATHER_MS = 60
const REST_MS = 200
/** How long an answer is kept that nobody looks at. Some hold whole texts or tensors. */
const KEPT_MS = 60_000

/**
 * The one cache of what the engine says, with `[method, input]` as its keys. What is on screen is kept current by the engine's
 * events, so another view of it asks for nothing; what nobody looked at is shown as it was, and read again.
 */
export function createQueries(client: Client): QueryClient {
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        queryFn: ({ queryKey: [method, input], signal }) =>
          // Keys are made by `read` alone, which has checked that the input is one of the method's.
          client.call(method as 'engine.status', input as Record<string, never>, { signal }),
        // The observer that asks is counted already.
        staleTime: query =>
          isFixed(query.queryKey[0]) || query.getObserversCount() > 1 ? Number.POSITIVE_INFINITY : 0,
        gcTime: KEPT_MS,
        // A refusal stays one, and an engine that is away says when it is back.
        retry: false,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        // The engine is on this machine, whatever the network does.
        networkMode: 'always',
      },
    },
  })
  follow(client, queries)
  return queries
}

function follow(client: Client, queries: QueryClient): void {
  const stale = new Set<ReadMethod>()
  let isDue = false
  let last = Number.NEGATIVE_INFINITY
  for (const event of CHANGE_EVENTS)
    client.on(event, () => {
      for (const method of staleBy(event)) stale.add(method)
      // Not put off by the next event: while much happens, what is on screen follows.
      if (!isDue) setTimeout(readAgain, Math.max(GATHER_MS, last + REST_MS - performance.now()))
      isDue = true
    })
  client.on('engine.status', ({ state }) => {
    if (state === 'ready') for (const query of queries.getQueryCache().getAll()) invalidate(query)
  })

  function readAgain(): void {
    isDue = false
    last = performance.now()
    const methods: ReadonlySet<unknown> = new Set(stale)
    stale.clear()
    for (const query of queries.getQueryCache().findAll({ predicate: ({ queryKey: [method] }) => methods.has(method) }))
      invalidate(query)
  }

  const waiting = new WeakSet<Query>()
  /** A reading that is under way may have missed the change. It is let come to its end: where events are faster, none would. */
  function invalidate(query: Query): void {
    if (waiting.has(query)) return
    const underway = query.promise
    if (underway === undefined) {
      void queries.invalidateQueries({ predicate: other => other === query })
      return
    }
    waiting.add(query)
    const again = () => {
      waiting.delete(query)
      invalidate(query)
    }
    underway.then(again, again)
  }
}
