/**
 * A fleet of servers on one registry as their cold tier, SIMULATED: hit rates, bytes, tokens read, money, and what gives out
 * first, up to 10,000 servers and 10 million agents. What one server does in a second is measured on this machine first;
 * everything else is an assumption, and an option. docs/scale.md says how to read it.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { DEFAULT_PRICES } from '#shared/domain/prices.ts'
import { row } from './benchEngine.ts'
import { fleetCost } from './fleet/fleetCost.ts'
import { measureRates } from './fleet/measureRates.ts'
import { type Fleet, simulateFleet } from './fleet/simulateFleet.ts'

const text = (value: number | string) => ({ type: 'string' as const, default: String(value) })
const { values } = parseArgs({
  options: {
    ...{ servers: { type: 'string' }, 'agents-per-server': text(1000), bases: text(1000), zipf: text(1) },
    ...{ 'base-tokens': text(500), 'delta-tokens': text(30), 'answer-tokens': text(20), steps: text(40) },
    ...{ load: text(0.5), 'memory-gib': text(8), 'registry-gbit': text(100), calls: text(1_500_000) },
    ...{ 'disk-gb': text(1000), 'server-hour': text(0.17), gigabyte: text(0.01), price: text('gpt-4o-mini') },
    seed: text(1),
  },
})
const number = (name: Exclude<keyof typeof values, 'servers' | 'price'>) => Number(values[name])
const price = DEFAULT_PRICES.prices.find(({ id }) => id === values.price)
if (price === undefined) throw new Error(`Prices: ${DEFAULT_PRICES.prices.map(({ id }) => id).join(', ')}.`)
const machine = { serverHour: number('server-hour'), gigabyte: number('gigabyte') }
const sizes = values.servers === undefined ? [1, 10, 100, 1000, 10_000] : [Number(values.servers)]

const { registry, ...rates } = await measureRates()
console.log(
  `MEASURED here, one server (gpt2-small’s shape, float32 weights, ${availableParallelism()} cores; ${registry}):`,
)
console.table([
  row({
    ...{ 'prefill tok/s': rates.prefill, 'decode tok/s': rates.decode, 'bytes a token': rates.bytesPerToken },
    ...{ 'restore hot µs/tok': rates.restoreHot * 1e6, 'cold µs/tok': rates.restoreCold * 1e6 },
    ...{ 'push MB/s': rates.push / 1e6, 'pull MB/s': rates.pull / 1e6 },
  }),
])

// As many calls as take this share of a server's time when all states are in memory.
const work = number('delta-tokens') / rates.prefill + number('answer-tokens') / rates.decode
const callsPerAgentHour = (number('load') * 3600) / work / number('agents-per-server')
console.log(
  `An agent calls ${callsPerAgentHour.toPrecision(3)} times an hour: ${number('load') * 100} % of a server’s time.`,
)

const [found, moved, costs] = [[], [], []] as Record<string, string | number>[][]
for (const routing of ['sticky', 'any'] as const) {
  for (const servers of sizes) {
    const agents = servers * number('agents-per-server')
    const fleet: Fleet = {
      ...{ servers, agents, routing, bases: number('bases'), zipf: number('zipf'), seed: number('seed') },
      ...{ baseTokens: number('base-tokens'), deltaTokens: number('delta-tokens'), steps: number('steps') },
      ...{ answerTokens: number('answer-tokens'), callsPerAgentHour },
      memoryBytes: number('memory-gib') * 2 ** 30,
      registryBytesPerSecond: (number('registry-gbit') * 1e9) / 8,
      calls: Math.min(number('calls'), Math.max(200_000, agents * 2)),
      start: 'running',
      warmUp: 0.5,
    }
    const started = performance.now()
    const result = simulateFleet(fleet, rates)
    console.error(`simulated ${servers} servers, ${routing}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
    const share = (count: number) => `${((count / result.calls) * 100).toFixed(1)} %`
    const perCall = (count: number) => count / result.calls
    const diskDays = number('disk-gb') / ((result.diskBytesPerServer / 1e9 / result.seconds) * 86_400)
    const limits = [
      { part: 'compute', load: result.load.compute },
      { part: 'registry', load: result.load.registry },
      {
        part: 'a server’s line',
        load: (result.bytesPulled / rates.pull + result.bytesPushed / rates.push) / (servers * result.seconds),
      },
    ].sort((a, b) => b.load - a.load)
    const [first] = limits
    const at = { routing, servers, agents }
    found?.push(
      row({
        ...{ ...at, memory: share(result.found.memory), disk: share(result.found.disk) },
        ...{ registry: share(result.found.registry), 'read (some)': share(result.found.none) },
        ...{ 'p50 s': result.latency.p50, 'p99 s': result.latency.p99 },
      }),
    )
    moved?.push(
      row({
        ...{ ...at, 'read / call': perCall(result.tokensRead), 'again / call': perCall(result.tokensReadAgain) },
        ...{ 'naive / call': perCall(result.tokensNaive), 'pulled MB / call': perCall(result.bytesPulled) / 1e6 },
        ...{ 'pushed MB / call': perCall(result.bytesPushed) / 1e6, compute: percent(result.load.compute) },
        ...{ registry: percent(result.load.registry), 'disk full after days': diskDays },
        'gives out first': `${first?.part} at ${(1 / (first?.load ?? 1)).toPrecision(2)} x this load`,
      }),
    )
    const dollars = fleetCost({ result, fleet, rates }, machine, price)
    costs?.push(
      row({
        ...{ ...at, states: dollars.states, 'reading again': dollars.rereading },
        ...{ [price.label]: dollars.provider, 'its caching': dollars.providerCaching },
      }),
    )
  }
}
console.log('\nSIMULATED from these rates. Where the state of a call was, and how long a call took:')
console.table(found)
console.log('SIMULATED. Tokens and bytes of a call, and the load of each part:')
console.table(moved)
console.log(
  `SIMULATED. Dollars for a million calls. Assumed: $${machine.serverHour} an hour of a server’s work, $${machine.gigabyte} a GB between ` +
    `servers and registry. ${price.label}: ${price.source}, ${price.date}; it is another and larger model.`,
)
console.table(costs)

function percent(share: number): string {
  return `${(share * 100).toPrecision(3)} %`
}
