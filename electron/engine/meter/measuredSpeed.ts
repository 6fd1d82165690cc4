import type { Database } from 'better-sqlite3'

/** So much of something took so long, with a model on a device. */
export interface SpeedSample {
  readonly model: string
  readonly device: string
  readonly amount: number
  readonly seconds: number
}

export interface SpeedKind {
  readonly table: 'prefill' | 'restore'
  /** What is counted. */
  readonly amount: 'tokens' | 'bytes'
  /** Less of it says more about starting than about the speed. */
  readonly least: number
  /** Fewer samples say more about what else the machine did. */
  readonly samples: number
}

/** Samples kept for each model and device: the speed is that of today's machine, not of last year's. */
const KEPT = 64

/** Measured speeds of one kind, in the meter's database. */
export class MeasuredSpeed {
  readonly #db: Database
  readonly #kind: SpeedKind

  constructor(db: Database, kind: SpeedKind) {
    const { table, amount } = kind
    db.exec(`CREATE TABLE IF NOT EXISTS ${table} (
      id INTEGER PRIMARY KEY, model TEXT NOT NULL, device TEXT NOT NULL, ${amount} INTEGER NOT NULL, seconds REAL NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS ${table}_of ON ${table} (model, device, id)`)
    this.#db = db
    this.#kind = kind
  }

  add({ model, device, amount, seconds }: SpeedSample): void {
    const { table, amount: column, least } = this.#kind
    if (amount < least || !(seconds > 0)) return
    this.#db
      .prepare(`INSERT INTO ${table} (model, device, ${column}, seconds) VALUES (?, ?, ?, ?)`)
      .run(model, device, amount, seconds)
    this.#db
      .prepare(
        `DELETE FROM ${table} WHERE model = ? AND device = ? AND id <= (SELECT id FROM ${table} WHERE model = ? AND device = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(model, device, model, device, KEPT)
  }

  /**
   * Seconds for so much of it: by the median speed of samples at least half as large. With only smaller ones, of the largest
   * eight: attention slows down with length, so that estimate is low and never flatters. Null when too little was measured.
   */
  seconds(model: string, device: string, amount: number): number | null {
    const { table, amount: column, samples: fewest } = this.#kind
    const samples = this.#db
      .prepare<[string, string], { amount: number; seconds: number }>(
        `SELECT ${column} AS amount, seconds FROM ${table} WHERE model = ? AND device = ? ORDER BY ${column} DESC, id DESC`,
      )
      .all(model, device)
    if (samples.length < fewest) return null
    const alike = samples.filter(sample => sample.amount * 2 >= amount)
    // Much larger ones would overstate a small one, so the nearest in size are asked.
    const asked = alike.length > 0 ? alike.slice(-16) : samples.slice(0, 8)
    const rates = asked.map(sample => sample.seconds / sample.amount).sort((a, b) => a - b)
    return (rates[Math.floor((rates.length - 1) / 2)] ?? 0) * amount
  }
}
