/** Sums over the meter's records: the whole of it stays in SQLite, only the result leaves. */
import type { Database } from 'better-sqlite3'

export type Period = 'hour' | 'day' | 'week' | 'month' | 'all'

export interface MeterTotals {
  readonly inferences: number
  readonly hits: number
  /** Those that saved no time, or reused nothing. `inferences - hits - misses` had no measured speed to compare with. */
  readonly misses: number
  readonly tokensNaive: number
  readonly tokensProcessed: number
  readonly secondsMeasured: number
  readonly secondsAvoided: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

export interface MeterGroup {
  readonly key: string
  readonly label: string
  readonly totals: MeterTotals
}

export interface MeterPoint {
  /** Time of the last inference of the point, ISO 8601. */
  readonly at: string
  /** Cumulative from the start of the period. */
  readonly tokensNaive: number
  readonly tokensProcessed: number
  readonly secondsMeasured: number
  readonly secondsAvoided: number
  readonly hits: number
  readonly misses: number
  /** Mean seconds of an inference within the point. */
  readonly latency: number
}

const HOURS: Readonly<Record<Exclude<Period, 'all'>, number>> = { hour: 1, day: 24, week: 168, month: 720 }

/** Milliseconds since 1970 at which a period that ends now begins; 0 for all. A month is 30 days. */
export function since(period: Period, now: Date): number {
  return period === 'all' ? 0 : now.getTime() - HOURS[period] * 3_600_000
}

const MEASURED = 'seconds_restore + seconds_read + seconds_generate'
const SUMS = `COUNT(*) AS inferences, COALESCE(SUM(outcome = 'hit'), 0) AS hits, COALESCE(SUM(outcome = 'miss'), 0) AS misses,
  COALESCE(SUM(tokens_naive), 0) AS tokensNaive, COALESCE(SUM(tokens_processed), 0) AS tokensProcessed,
  COALESCE(SUM(${MEASURED}), 0) AS secondsMeasured, COALESCE(SUM(seconds_avoided), 0) AS secondsAvoided,
  COALESCE(SUM(bytes_read), 0) AS bytesRead, COALESCE(SUM(bytes_written), 0) AS bytesWritten`

const KEYS = {
  cartridge: "COALESCE(cartridge, '')",
  model: 'model',
  day: "date(at / 1000, 'unixepoch', 'localtime')",
} as const

export function meterTotals(db: Database, from: number): MeterTotals {
  return db.prepare<[number], MeterTotals>(`SELECT ${SUMS} FROM records WHERE at >= ?`).get(from) ?? ZERO
}

const ZERO: MeterTotals = {
  ...{ inferences: 0, hits: 0, misses: 0, tokensNaive: 0, tokensProcessed: 0 },
  ...{ secondsMeasured: 0, secondsAvoided: 0, bytesRead: 0, bytesWritten: 0 },
}

/** One group per cartridge, model or day; days in order, the others by tokens not read, largest first. */
export function meterGroups(db: Database, { by, from }: { by: keyof typeof KEYS; from: number }): MeterGroup[] {
  const order = by === 'day' ? 'key' : 'SUM(tokens_naive - tokens_processed) DESC, key'
  return db
    .prepare<[number], MeterTotals & { key: string }>(
      `SELECT ${KEYS[by]} AS key, ${SUMS} FROM records WHERE at >= ? GROUP BY key ORDER BY ${order}`,
    )
    .all(from)
    .map(({ key, ...totals }) => ({ key, label: key, totals }))
}

/** Records in order of time, in `points` equal parts by number, summed up to each part's end. */
export function meterSeries(db: Database, { from, points }: { from: number; points: number }): MeterPoint[] {
  const parts = db
    .prepare<[number, number, number], MeterTotals & { at: number }>(
      `SELECT MAX(at) AS at, ${SUMS} FROM (
         SELECT *, (ROW_NUMBER() OVER (ORDER BY at, id) - 1) * MIN(CAST(? AS INTEGER), COUNT(*) OVER ()) / COUNT(*) OVER () AS part
         FROM records WHERE at >= ?) GROUP BY part ORDER BY part LIMIT ?`,
    )
    .all(points, from, points)
  const sum = { tokensNaive: 0, tokensProcessed: 0, secondsMeasured: 0, secondsAvoided: 0, hits: 0, misses: 0 }
  return parts.map(part => {
    sum.tokensNaive += part.tokensNaive
    sum.tokensProcessed += part.tokensProcessed
    sum.secondsMeasured += part.secondsMeasured
    sum.secondsAvoided += part.secondsAvoided
    sum.hits += part.hits
    sum.misses += part.misses
    return { at: new Date(part.at).toISOString(), ...sum, latency: part.secondsMeasured / part.inferences }
  })
}
