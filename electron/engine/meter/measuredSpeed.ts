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
type Measured = Pick<SpeedSample, 'amount' | 'seconds'>

export class MeasuredSpeed {
  readonly #db: Database
  readonly #kind: SpeedKind
  /** As they were read of each model and device, oldest first: every answer asks several times. */
  readonly #known = new Map<string, Measured[]>()
  #version: unknown

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
    const known = this.#samplesOf(model, device)
    this.#db
      .prepare(`INSERT INTO ${table} (model, device, ${column}, seconds) VALUES (?, ?, ?, ?)`)
      .run(model, device, amount, seconds)
    known.push({ amount, seconds })
    if (known.length <= KEPT) return
    known.shift()
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
    const samples = this.#samplesOf(model, device)
      .toReversed()
      .sort((a, b) => b.amount - a.amount)
    if (samples.length < this.#kind.samples) return null
    const alike = samples.filter(sample => sample.amount * 2 >= amount)
    // Much larger ones would overstate a small one, so the nearest in size are asked.
    const asked = alike.length > 0 ? alike.slice(-16) : samples.slice(0, 8)
    const rates = asked.map(sample => sample.seconds / sample.amount).sort((a, b) => a - b)
    return (rates[Math.floor((rates.length - 1) / 2)] ?? 0) * amount
  }

  /** Reads all anew: what was added may have been taken back with the transaction it was added in. */
  forget(): void {
    this.#known.clear()
  }

  #samplesOf(model: string, device: string): Measured[] {
    // It is another number after other processes have written; what is written here is known.
    const version = this.#db.pragma('data_version', { simple: true })
    if (version !== this.#version) this.#known.clear()
    this.#version = version
    const key = JSON.stringify([model, device])
    const known = this.#known.get(key) ?? this.#read(model, device)
    this.#known.set(key, known)
    return known
  }

  #read(model: string, device: string): Measured[] {
    const { table, amount } = this.#kind
    return this.#db
      .prepare<[string, string], Measured>(
        `SELECT ${amount} AS amount, seconds FROM ${table} WHERE model = ? AND device = ? ORDER BY id`,
      )
      .all(model, device)
  }
}
