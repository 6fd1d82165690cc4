import { expect, it } from 'vitest'
import { branchyTrace } from '../../bench/branchyTrace.ts'
import { lruKeeper, tierKeeper, tokensReread } from '../../bench/replayTrace.ts'

const MAMBA = { fixed: 1_357_568, perToken: 0 }

it.each([12, 16, 24])('re-reads at most 1/1.3 of the tokens that LRU does, with room for %i recurrent states', room => {
  const trace = branchyTrace()
  const budget = room * MAMBA.fixed
  const [ours, lru] = [tierKeeper(budget), lruKeeper(budget)].map(keeper => tokensReread(trace, keeper, MAMBA))
  expect(ours).toBeLessThanOrEqual((lru ?? 0) / 1.3)
})
