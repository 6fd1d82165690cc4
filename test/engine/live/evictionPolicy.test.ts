import { expect, it } from 'vitest'
import { branchyTrace } from '../../bench/branchyTrace.ts'
import { type KeptAs, lruKeeper, tierKeeper, tokensReread } from '../../bench/replayTrace.ts'

const MAMBA = { kind: 'recurrent states', kept: { perState: 1_357_568 }, room: 1_357_568 }
const TRANSFORMER = { kind: 'keys and values', kept: { perToken: 1024 }, room: 300 * 1024 }

const CASES = [MAMBA, TRANSFORMER].flatMap(({ kind, kept, room }) =>
  [8, 12, 16, 24].map((states): [string, number, KeptAs, number] => [kind, states, kept, states * room]),
)

it.each(CASES)('re-reads at most 1/1.3 of the tokens that LRU does: %s, room for %i', (_kind, states, kept, budget) => {
  const trace = branchyTrace()
  const ours = tokensReread(trace, tierKeeper(budget), { kept })
  expect(ours).toBeLessThanOrEqual(tokensReread(trace, lruKeeper(budget), { kept, deepestFirst: false }) / 1.3)
  // The same against an LRU that is told of blocks in the product's order, and so keeps beginnings, too. In room for 8 not
  // even the longest text that all come back to fits: little can be done.
  const least = 'perToken' in kept && states === 8 ? 1.15 : 1.3
  expect(ours).toBeLessThanOrEqual(tokensReread(trace, lruKeeper(budget), { kept }) / least)
})
