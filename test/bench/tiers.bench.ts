/** What a tier gives up when it is full: the product's choice against LRU, on one trace at the same bytes. */
import { row } from './benchEngine.ts'
import { branchyTrace } from './branchyTrace.ts'
import { lruKeeper, readOnce, tierKeeper, tokensReread } from './replayTrace.ts'

const KINDS = {
  'recurrent, 1.36 MB a state': { kept: { perState: 1_357_568 }, room: 1_357_568 },
  'keys and values, 1 kB a token': { kept: { perToken: 1024 }, room: 300 * 1024 },
} as const

const trace = branchyTrace()
console.table(
  Object.entries(KINDS).flatMap(([kind, { kept, room }]) =>
    [8, 12, 16, 24, 48].map(states => {
      const budget = states * room
      const ours = tokensReread(trace, tierKeeper(budget), { kept })
      const lru = tokensReread(trace, lruKeeper(budget), { kept, deepestFirst: false })
      const [deepest = 0, least = 0] = [lruKeeper(budget), readOnce()].map(keeper =>
        tokensReread(trace, keeper, { kept }),
      )
      const ratios = { ratio: lru / ours, 'to LRU, deepest first': deepest / ours, 'at most': lru / least }
      return row({ kind, 'budget MB': budget / 1e6, 'tokens read': ours, 'with LRU': lru, ...ratios })
    }),
  ),
)
