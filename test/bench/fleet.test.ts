/** The simulation of a fleet, where its results can be worked out on paper. */
import { expect, it } from 'vitest'
import { DEFAULT_PRICES } from '#shared/domain/prices.ts'
import { fleetCost } from './fleet/fleetCost.ts'
import { type Fleet, type Rates, simulateFleet } from './fleet/simulateFleet.ts'
import { zipf } from './fleet/zipf.ts'

const RATES: Rates = {
  ...{ prefill: 1000, decode: 50, restoreHot: 0, restoreCold: 1e-5, bytesPerToken: 1000 },
  ...{ push: 1e8, pull: 1e8 },
}
const FLEET: Fleet = {
  ...{ servers: 1, agents: 1, bases: 1, zipf: 1, baseTokens: 500, deltaTokens: 30, answerTokens: 20, steps: 1 },
  ...{
    callsPerAgentHour: 1,
    routing: 'sticky',
    memoryBytes: 1e12,
    registryBytesPerSecond: 1e12,
    calls: 2000,
    warmUp: 0.5,
    start: 'running',
    seed: 1,
  },
}

it('one server, one base, one agent: each call reads its delta, from memory', () => {
  const result = simulateFleet({ ...FLEET, steps: 10 }, RATES)
  expect(result.calls).toBe(1000)
  expect(result.found).toEqual({ memory: 1000, disk: 0, registry: 0, none: 0 })
  expect(result).toMatchObject({ tokensRead: 30_000, tokensReadAgain: 0, bytesPulled: 0, notMade: 0 })
  // What is new is pushed: delta and answer of each call.
  expect(result.bytesPushed).toBe(1000 * 50 * 1000)
  // Steps 0 to 9 equally often: 4.5 steps of 50 tokens before each call, on average.
  expect(result.tokensNaive).toBe(1000 * (500 + 4.5 * 50 + 30))
  expect(result.busySeconds).toBeCloseTo(1000 * (30 / 1000 + 20 / 50), 6)
  expect(result.latency.p99).toBeCloseTo(0.43, 3)
})

it('without memory the same comes from disk', () => {
  const { found, tokensRead } = simulateFleet({ ...FLEET, memoryBytes: 0 }, RATES)
  expect(found).toEqual({ memory: 0, disk: 1000, registry: 0, none: 0 })
  expect(tokensRead).toBe(30_000)
})

it('a base is read once and pulled once by each other server', () => {
  const fleet = { ...FLEET, servers: 8, agents: 1000, routing: 'any' as const, callsPerAgentHour: 0.01 }
  const first = simulateFleet({ ...fleet, start: 'cold', warmUp: 0 }, RATES)
  expect(first).toMatchObject({ tokensRead: 500 + 2000 * 30, tokensReadAgain: 0, found: { none: 1, registry: 7 } })
  expect(first.bytesPulled).toBe(7 * 500 * 1000)
  expect(first.bytesPushed).toBe(500 * 1000 + 2000 * 50 * 1000)
  // Later every server has it.
  expect(simulateFleet(fleet, RATES)).toMatchObject({ bytesPulled: 0, found: { none: 0, registry: 0 } })
})

it('an agent that goes to any server pulls its own state unless it was there before', () => {
  const fleet = { ...FLEET, servers: 4, agents: 200, routing: 'any' as const, steps: 2, calls: 40_000, deltaTokens: 30 }
  const { bytesPulled, found, calls } = simulateFleet({ ...fleet, callsPerAgentHour: 0.1 }, RATES)
  // Every other call has a step behind it, three of four of those were made elsewhere.
  expect(found.registry / calls).toBeCloseTo((1 / 2) * (3 / 4), 1)
  expect(bytesPulled).toBe(found.registry * 50 * 1000)
})

it('what has not been pushed yet is read again', () => {
  const never = { ...RATES, push: 1 }
  const fleet = { ...FLEET, servers: 2, agents: 1, routing: 'any' as const, steps: 100, callsPerAgentHour: 360 }
  const { tokensReadAgain, found } = simulateFleet(fleet, never)
  expect(tokensReadAgain).toBeGreaterThan(0)
  expect(found.registry).toBe(0)
})

it('memory for a quarter of equally popular bases hits a quarter of the time', () => {
  const fleet = { ...FLEET, agents: 5000, bases: 40, zipf: 0, deltaTokens: 0, answerTokens: 0, calls: 40_000 }
  const { found, calls } = simulateFleet({ ...fleet, memoryBytes: 10 * 500 * 1000, callsPerAgentHour: 0.001 }, RATES)
  expect(found.memory / calls).toBeCloseTo(0.25, 1)
  expect(found.memory + found.disk).toBe(calls)
})

it('waits as the Pollaczek-Khinchine formula says for equal work and random arrivals', () => {
  // 0.43 s of work a call, 60 % busy, one server.
  const work = 0.43
  const load = 0.6
  const agents = 100_000
  const fleet = { ...FLEET, agents, calls: 200_000, callsPerAgentHour: (load / work / agents) * 3600 }
  const { latency, load: is } = simulateFleet(fleet, RATES)
  expect(is.compute).toBeCloseTo(load, 1)
  const expected = work + (load * work) / (2 * (1 - load))
  expect(Math.abs(latency.mean / expected - 1)).toBeLessThan(0.05)
})

it('bases are as popular as Zipf says, and the same seed gives the same', () => {
  const draw = zipf(1000, 1)
  const ranks = Array.from({ length: 100_000 }, (_, i) => draw((i + 0.5) / 100_000))
  const harmonic = Array.from({ length: 1000 }, (_, i) => 1 / (i + 1)).reduce((sum, one) => sum + one)
  expect(ranks.filter(rank => rank === 0).length / 100_000).toBeCloseTo(1 / harmonic, 3)
  const fleet = { ...FLEET, servers: 5, agents: 100, bases: 10, routing: 'any' as const }
  expect(simulateFleet(fleet, RATES)).toEqual(simulateFleet(fleet, RATES))
  expect(simulateFleet(fleet, RATES)).not.toEqual(simulateFleet({ ...fleet, seed: 2 }, RATES))
})

it('costs what the counts and the prices say', () => {
  const result = simulateFleet({ ...FLEET, steps: 10 }, RATES)
  const [price] = DEFAULT_PRICES.prices
  if (price === undefined) throw new Error('There are no prices.')
  const machine = { serverHour: 3.6, gigabyte: 1 }
  const cost = fleetCost({ result, fleet: FLEET, rates: RATES }, machine, price)
  // 0.43 s at a thousandth of a dollar each, and 50 kB at a dollar a gigabyte.
  expect(cost.states).toBeCloseTo(1e6 * (0.43e-3 + 50e-6), 3)
  expect(cost.rereading).toBeCloseTo(1e6 * (0.755 + 0.4) * 1e-3, 3)
  expect(cost.provider).toBeCloseTo(755 * price.input + 20 * (price.output ?? 0), 6)
  expect(cost.providerCaching).toBeCloseTo(
    30 * price.input + 725 * (price.cachedInput ?? 0) + 20 * (price.output ?? 0),
    6,
  )
})
