import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Meter, openMeter } from '#engine/meter/meter.ts'
import type { MeterEntry } from '#engine/meter/meterRecord.ts'

const DAY = 86_400_000
const NOW = new Date('2026-11-21T12:00:00Z')
const fresh = () => openMeter(':memory:', { now: () => NOW })

function entry(change: Partial<MeterEntry> = {}): MeterEntry {
  return {
    ...{
      cartridge: 'sha256:aa',
      model: 'm',
      device: 'cpu',
      tokensNaive: 1010,
      tokensProcessed: 30,
      tokensGenerated: 10,
    },
    ...{
      secondsRestore: 0.125,
      secondsRead: 0.25,
      secondsGenerate: 1,
      bytesRead: 5000,
      bytesWritten: 70,
      at: NOW.getTime(),
    },
    ...change,
  }
}

const entries = fc.array(
  fc
    .record({
      cartridge: fc.constantFrom(null, 'sha256:aa', 'sha256:bb', 'sha256:cc'),
      model: fc.constantFrom('starter-mamba', 'starter-transformer'),
      device: fc.constantFrom('cpu', 'cuda'),
      tokensGenerated: fc.nat(50),
      fresh: fc.nat(300),
      reused: fc.nat(4000),
      secondsRestore: fc.double({ min: 0, max: 2, noNaN: true }),
      secondsRead: fc.double({ min: 0, max: 2, noNaN: true }),
      secondsGenerate: fc.double({ min: 0, max: 2, noNaN: true }),
      bytesRead: fc.nat(1e6),
      bytesWritten: fc.nat(1e6),
      age: fc.nat(40 * DAY),
    })
    .map(({ fresh, reused, age, ...rest }) => ({
      ...rest,
      tokensProcessed: fresh + rest.tokensGenerated,
      tokensNaive: reused + fresh + rest.tokensGenerated,
      at: NOW.getTime() - age,
    })),
  { minLength: 1, maxLength: 60 },
)

const sumOf = (list: readonly MeterEntry[], field: 'tokensNaive' | 'tokensProcessed' | 'bytesRead' | 'bytesWritten') =>
  list.reduce((sum, e) => sum + e[field], 0)
const measured = (list: readonly MeterEntry[]) =>
  list.reduce((sum, e) => sum + e.secondsRestore + e.secondsRead + e.secondsGenerate, 0)

describe('savings meter', () => {
  it('what the charts show are sums of the records, however grouped, cut or thinned', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 2, max: 80 }), (list, points) => {
        const meter = fresh()
        for (const e of list) meter.record(e)
        for (const [period, hours] of [
          ['all', 1e9],
          ['month', 720],
          ['week', 168],
          ['day', 24],
          ['hour', 1],
        ] as const) {
          const inside = list.filter(e => (e.at ?? 0) >= NOW.getTime() - hours * 3_600_000)
          const { totals, byCartridge, byModel, byDay } = meter.summary({ period })
          expect(totals.inferences).toBe(inside.length)
          expect(totals.tokensNaive).toBe(sumOf(inside, 'tokensNaive'))
          expect(totals.tokensProcessed).toBe(sumOf(inside, 'tokensProcessed'))
          expect(totals.bytesRead).toBe(sumOf(inside, 'bytesRead'))
          expect(totals.bytesWritten).toBe(sumOf(inside, 'bytesWritten'))
          expect(totals.secondsMeasured).toBeCloseTo(measured(inside), 6)
          for (const groups of [byCartridge, byModel, byDay]) {
            for (const field of [
              'inferences',
              'hits',
              'misses',
              'tokensNaive',
              'tokensProcessed',
              'bytesRead',
              'bytesWritten',
            ] as const) {
              expect(groups.reduce((sum, g) => sum + g.totals[field], 0)).toBe(totals[field])
            }
          }
          for (const group of byModel)
            expect(group.totals.tokensNaive).toBe(
              sumOf(
                inside.filter(e => e.model === group.key),
                'tokensNaive',
              ),
            )
          const series = meter.series({ period, points })
          expect(series.length).toBe(Math.min(points, inside.length))
          const last = series.at(-1)
          expect(last?.tokensNaive ?? 0).toBe(totals.tokensNaive)
          expect(last?.tokensProcessed ?? 0).toBe(totals.tokensProcessed)
          expect([last?.hits ?? 0, last?.misses ?? 0]).toEqual([totals.hits, totals.misses])
          expect(last?.secondsAvoided ?? 0).toBeCloseTo(totals.secondsAvoided, 6)
          for (const [i, point] of series.entries()) expect(point.at >= (series[i - 1]?.at ?? '')).toBe(true)
        }
        meter.close()
      }),
      { numRuns: process.env.DEEP ? 1000 : 40 },
    )
  })

  it('measures what was avoided against the measured reading speed, and only that', () => {
    const meter = fresh()
    expect(meter.record(entry())).toEqual({ secondsAvoided: null, outcome: 'unmeasured' })
    meter.reset()
    const cold = fresh()
    cold.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 4 })
    // 1,000 tokens again would take 4 s; restoring and reading took 0.375 s.
    expect(cold.record(entry())).toMatchObject({ secondsAvoided: 3.625, outcome: 'hit' })
    expect(cold.prefillSeconds({ name: 'm' }, 'cpu', 500)).toBe(2)
    expect(cold.prefillSeconds('m', 'cuda', 500)).toBeNull()
    expect(cold.prefillSeconds('other', 'cpu', 500)).toBeNull()
  })

  it('says so when restoring was slower than reading again: a miss, and seconds lost', () => {
    const meter = fresh()
    meter.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 0.3125 })
    const result = meter.record(entry())
    expect(result.outcome).toBe('miss')
    expect(result.secondsAvoided).toBeCloseTo(-0.0625, 9)
    const { totals } = meter.summary()
    expect([totals.hits, totals.misses]).toEqual([0, 1])
    expect(totals.secondsAvoided).toBeCloseTo(-0.0625, 9)
  })

  it('counts an inference that reused nothing as a miss, however fast', () => {
    const meter = fresh()
    meter.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 4 })
    expect(meter.record(entry({ tokensNaive: 30 })).outcome).toBe('miss')
  })

  it('takes the speed from readings of like length, the recent ones, and never from the generation', () => {
    const meter = fresh()
    meter.prefill({ model: 'm', device: 'cpu', tokens: 4, seconds: 100 })
    expect(meter.prefillSeconds('m', 'cpu', 100)).toBeNull()
    for (let i = 0; i < 70; i++) meter.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 9 })
    for (let i = 0; i < 64; i++) meter.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 2 })
    expect(meter.prefillSeconds('m', 'cpu', 1000)).toBe(2)
    meter.record(entry({ tokensProcessed: 30, tokensGenerated: 10, secondsRead: 0.2, secondsGenerate: 50 }))
    expect(meter.prefillSeconds('m', 'cpu', 20)).toBeLessThan(0.3)
  })

  it('takes the speed of the disk from what came from there, and of fewer than three times says nothing', () => {
    const meter = fresh()
    const sample = { model: 'm', device: 'cpu', bytes: 1000, seconds: 2 }
    meter.restored(sample)
    // An inference that read nothing from disk says nothing of it.
    meter.record(entry({ bytesRead: 0 }))
    meter.restored(sample)
    expect(meter.restoreSeconds('m', 'cpu', 1000)).toBeNull()
    meter.record(entry({ bytesRead: 1000, secondsRestore: 1 }))
    expect(meter.restoreSeconds('m', 'cpu', 500)).toBe(1)
    expect(meter.restoreSeconds('m', 'other', 500)).toBeNull()
  })

  it('forgets the speeds of a record that could not be written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'statepack-meter-'))
    const file = join(folder, 'meter.sqlite')
    const meter = openMeter(file)
    const other = new Database(file)
    other.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON restore WHEN NEW.bytes = 666 BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    // The reading is written, then the restoring is not: both are taken back.
    expect(() => meter.record(entry({ bytesRead: 666 }))).toThrow('no room')
    expect(meter.summary().totals.inferences).toBe(0)
    expect(meter.prefillSeconds('m', 'cpu', 1000)).toBeNull()
    meter.record(entry())
    expect(meter.prefillSeconds('m', 'cpu', 20)).toBe(0.25)
    meter.close()
    other.close()
    await rm(folder, { recursive: true })
  })

  it('exports every record, and the JSON totals are theirs', () => {
    const meter = fresh()
    meter.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 4 })
    meter.record(entry({ cartridge: '=1+1,"x"' }))
    meter.record(entry({ cartridge: null, model: 'n' }))
    const json = JSON.parse(Buffer.from(meter.export('json').bytes).toString())
    expect(json.totals).toEqual(meter.summary().totals)
    expect(json.records.map((r: { seconds_avoided: number | null }) => r.seconds_avoided)).toEqual([3.625, null])
    const { fileName, bytes } = meter.export('csv')
    expect(fileName).toBe('savings-2026-11-21.csv')
    const rows = Buffer.from(bytes).toString().split('\r\n')
    expect(rows.length).toBe(4)
    expect(rows[1]).toContain(`"'=1+1,""x"""`)
    expect(rows[2]?.split(',')[2]).toBe('')
  })

  it('forgets on reset and keeps the speeds', () => {
    const meter = openMeter(':memory:')
    meter.prefill({ model: 'm', device: 'cpu', tokens: 1000, seconds: 4 })
    meter.record(entry())
    expect(meter.reset()).toEqual({ removed: 1 })
    expect(meter.summary().totals.inferences).toBe(0)
    expect(meter.series()).toEqual([])
    expect(meter.prefillSeconds('m', 'cpu', 1000)).toBe(4)
  })

  it('survives closing, lets two processes write, and puts a file aside that is not a meter', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meter-'))
    const file = join(folder, 'meter.sqlite')
    const open = (): Meter => openMeter(file)
    const a = open()
    const b = open()
    for (let i = 0; i < 20; i++) (i % 2 === 0 ? a : b).record(entry())
    a.close()
    b.close()
    const again = open()
    expect(again.summary().totals.inferences).toBe(20)
    again.close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await writeFile(join(folder, 'other'), 'this is not a database, it is a text of some length'.repeat(100))
    const other = openMeter(join(folder, 'other'))
    other.record(entry())
    expect(other.summary().totals.inferences).toBe(1)
    other.close()
    const aside = (await readdir(folder)).filter(name => name.startsWith('other.damaged-'))
    expect(aside).toHaveLength(1)
    expect(await readFile(join(folder, aside[0] ?? ''), 'utf8')).toMatch(/^this is not a database/)
    await rm(folder, { recursive: true })
  })

  it('knows the same speeds as whoever opens it now, whichever process measured', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meter-'))
    const open = (): Meter => openMeter(join(folder, 'meter.sqlite'))
    const [a, b] = [open(), open()]
    for (let i = 1; i <= 150; i++) {
      const measuring = i % 3 === 0 ? b : a
      measuring.prefill({ model: 'm', device: 'cpu', tokens: 8 + ((i * 37) % 900), seconds: i / 100 })
      measuring.restored({ model: 'm', device: 'cpu', bytes: 1000 + ((i * 53) % 900), seconds: i / 1000 })
      if (i % 10 !== 0) continue
      const fresh = open()
      const known = (meter: Meter) => [
        ...[5, 100, 500, 2000].map(tokens => meter.prefillSeconds('m', 'cpu', tokens)),
        ...[900, 1800, 9000].map(bytes => meter.restoreSeconds('m', 'cpu', bytes)),
      ]
      expect(known(a)).toEqual(known(fresh))
      expect(known(b)).toEqual(known(fresh))
      fresh.close()
    }
    for (const meter of [a, b]) meter.close()
    await rm(folder, { recursive: true })
  })

  it('refuses figures that cannot be', () => {
    const meter = fresh()
    for (const change of [{ tokensNaive: -1 }, { tokensProcessed: 1.5 }, { secondsRead: Number.NaN }]) {
      expect(() => meter.record(entry(change))).toThrow()
    }
    expect(meter.summary().totals.inferences).toBe(0)
  })
})
