import type { Database } from 'better-sqlite3'

export interface PrefillSample {
  readonly model: string
  readonly device: string
  readonly tokens: number
  readonly seconds: number
}

/** Samples kept for each model and device: the speed is that of today's machine, not of last year's. */
const KEPT = 64
/** Fewer tokens say more about starting than about reading. */
const MIN_TOKENS = 8

/** Measured reading speeds, in the meter's database. */
export class PrefillSpeed {
  readonly #db: Database

  constructor(db: Database) {
    db.exec(`CREATE TABLE IF NOT EXISTS prefill (
      id INTEGER PRIMARY KEY, model TEXT NOT NULL, device TEXT NOT NULL, tokens INTEGER NOT NULL, seconds REAL NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS prefill_of ON prefill (model, device, id)`)
    this.#db = db
  }

  add({ model, device, tokens, seconds }: PrefillSample): void {
    if (tokens < MIN_TOKENS || !(seconds > 0)) return
    this.#db
      .prepare('INSERT INTO prefill (model, device, tokens, seconds) VALUES (?, ?, ?, ?)')
      .run(model, device, tokens, seconds)
    this.#db
      .prepare(
        'DELETE FROM prefill WHERE model = ? AND device = ? AND id <= (SELECT id FROM prefill WHERE model = ? AND device = ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
      )
      .run(model, device, model, device, KEPT)
  }

  /**
   * Seconds to read `tokens` tokens: the median speed of samples at least half as long. With only shorter ones, of the longest
   * eight: attention slows down with length, so that estimate is low and never flatters. Null when nothing was measured.
   */
  seconds(model: string, device: string, tokens: number): number | null {
    const samples = this.#db
      .prepare<[string, string], { tokens: number; seconds: number }>(
        'SELECT tokens, seconds FROM prefill WHERE model = ? AND device = ? ORDER BY tokens DESC, id DESC',
      )
      .all(model, device)
    if (samples.length === 0) return null
    const alike = samples.filter(sample => sample.tokens * 2 >= tokens)
    // Much longer readings would overstate a short one, so the nearest in length are asked.
    const asked = alike.length > 0 ? alike.slice(-16) : samples.slice(0, 8)
    const rates = asked.map(sample => sample.seconds / sample.tokens).sort((a, b) => a - b)
    return (rates[Math.floor((rates.length - 1) / 2)] ?? 0) * tokens
  }
}
