import { costOf, type Price } from '#shared/domain/prices.ts'
import type { Fleet, FleetResult, Rates } from './simulateFleet.ts'

/** What machines cost: assumptions, to be replaced by one's own. */
export interface MachinePrices {
  /** Dollars for an hour of one server's work. */
  readonly serverHour: number
  /** Dollars for a gigabyte between servers and registry. */
  readonly gigabyte: number
}

/** Dollars for a million calls. */
export interface FleetCost {
  readonly states: number
  /** The same servers, reading the whole context at each call. */
  readonly rereading: number
  /** A provider's price for the whole context at each call, and with its prefix cache always hit. */
  readonly provider: number
  readonly providerCaching: number
}

export function fleetCost(
  { result, fleet, rates }: { result: FleetResult; fleet: Fleet; rates: Rates },
  machine: MachinePrices,
  price: Price,
): FleetCost {
  const { calls, busySeconds, tokensNaive, bytesPulled, bytesPushed } = result
  const { deltaTokens, answerTokens } = fleet
  const perMillion = (dollars: number) => (dollars / calls) * 1e6
  const hours = (seconds: number) => (seconds / 3600) * machine.serverHour
  const output = calls * answerTokens
  const fresh = calls * deltaTokens
  // With caching each call reads its delta; the answer before it has been written into the cache, too.
  const written = price.cacheWrite === null ? 0 : fresh
  return {
    states: perMillion(hours(busySeconds) + ((bytesPulled + bytesPushed) / 1e9) * machine.gigabyte),
    rereading: perMillion(hours(tokensNaive / rates.prefill + output / rates.decode)),
    provider: perMillion(costOf({ input: tokensNaive, output }, price)),
    providerCaching: perMillion(costOf({ input: tokensNaive, cached: tokensNaive - fresh, written, output }, price)),
  }
}
