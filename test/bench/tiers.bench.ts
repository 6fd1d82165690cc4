/** What a tier gives up when it is full: the product's choice against LRU, on one trace at the same bytes. */
import { row } from './benchEngine.ts'
import { branchyTrace } from './branchyTrace.ts'
import { lruKeeper, tierKeeper, tokensReread } from './replayTrace.ts'

const SIZES = {
  'recurrent, 1.36 MB a state': { fixed: 1_357_568, perToken: 0, room: 1_357_568 },
  'keys and values, 1 kB a token': { fixed: 0, perToken: 1024, room: 300 * 1024 },
} as const

const trace = branchyTrace()
console.table(
  Object.entries(SIZES).flatMap(([kind, size]) =>
    [8, 12, 16, 24, 48].map(states => {
      const budget = states * size.room
      const [ours, lru] = [tierKeeper(budget), lruKeeper(budget)].map(keeper => tokensReread(trace, keeper, size))
      const figures = { 'tokens re-read': ours ?? 0, 'with LRU': lru ?? 0, ratio: (lru ?? 0) / (ours ?? 1) }
      return row({ kind, 'budget MB': budget / 1e6, ...figures })
    }),
  ),
)
