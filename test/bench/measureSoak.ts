/** An engine under mixed load for a long time, in this very process: what its memory and its descriptors do. See soak.bench.ts. */
import { readdirSync } from 'node:fs'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { createClient } from '#shared/rpc/client.ts'
import { row, withBenchEngine } from './benchEngine.ts'
import { soakRound } from './soakRound.ts'

const minutes = Number(process.argv[2])
/** The least that can be set, so that what is kept on purpose is soon as much as it will ever be. */
const BUDGET = 16 * 1024 ** 2
const MEASURES = ['rss', 'heapTotal', 'heapUsed', 'external', 'arrayBuffers', 'native', 'descriptors'] as const
type Sample = Readonly<Record<'minute' | (typeof MEASURES)[number], number>>

const hub = createEventHub()
await withBenchEngine(
  async engine => {
    const client = createClient(createInProcessTransport(dispatch(engine.handlers), hub))
    await client.call('settings.set', { memory: { hot: BUDGET, warm: BUDGET } })
    let events = 0
    client.on('library.changed', () => events++)
    const samples: Sample[] = []
    const start = performance.now()
    const minute = () => (performance.now() - start) / 60_000
    let operations = 0
    for (let round = 0; minute() < minutes; round++) {
      operations += await soakRound({ client, engine }, round)
      const sample = take(minute())
      samples.push(sample)
      if (Math.floor(sample.minute) > Math.floor(samples.at(-2)?.minute ?? 0)) console.log(JSON.stringify(row(sample)))
    }
    console.log(
      `${operations} operations, ${events} events, ${samples.length} rounds in ${minute().toFixed(1)} minutes`,
    )
    const second = samples.filter(sample => sample.minute >= minutes / 2)
    console.table(
      MEASURES.map(measure =>
        row({
          measure,
          'at the half': second[0]?.[measure] ?? Number.NaN,
          'at the end': second.at(-1)?.[measure] ?? Number.NaN,
          'a minute': slope(second.map(sample => [sample.minute, sample[measure]])),
        }),
      ),
    )
  },
  { onEvent: hub.emit },
)

/** MiB, and a number of descriptors where the system says it. `native`: what is resident and neither V8's nor a buffer. */
function take(minute: number): Sample {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const mib = (bytes: number) => bytes / 1024 ** 2
  return {
    ...{ minute, rss: mib(rss), heapTotal: mib(heapTotal), heapUsed: mib(heapUsed) },
    ...{ external: mib(external), arrayBuffers: mib(arrayBuffers) },
    native: mib(rss - heapTotal - external),
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : Number.NaN,
  }
}

/** Of the straight line with the least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(point => point[0]), mean(point => point[1])]
  return mean(point => (point[0] - x) * (point[1] - y)) / mean(point => (point[0] - x) ** 2)
}
