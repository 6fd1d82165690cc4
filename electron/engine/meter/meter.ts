/**
 * The savings meter of a store: every inference, what it ran and what a naive loop would have run. `<store>/meter.sqlite`,
 * durable and nobody's truth but its own. Totals shown anywhere are sums over these records.
 */

import { chmodSync, existsSync, renameSync } from 'node:fs'
import Database from 'better-sqlite3'
import { toStatePackError } from '#shared/domain/error.ts'
import { prepareOnce } from '../prepareOnce.ts'
import { sqliteCopy } from '../sqliteCopy.ts'
import { MeasuredSpeed } from './measuredSpeed.ts'
import { exportMeter } from './meterExport.ts'
import {
  type MeterGroup,
  type MeterPoint,
  type MeterTotals,
  meterGroups,
  meterSeries,
  meterTotals,
  type Period,
  since,
} from './meterQueries.ts'
import { type MeterEntry, meterEntrySchema, type Outcome, outcomeOf, secondsAvoided } from './meterRecord.ts'

export interface PrefillSample {
  readonly model: string
  readonly device: string
  readonly tokens: number
  readonly seconds: number
}

/** Bringing so many bytes of a state from disk to where a session goes on from them. */
export interface RestoreSample {
  readonly model: string
  readonly device: string
  readonly bytes: number
  readonly seconds: number
}

export interface MeterOptions {
  readonly now?: () => Date
}

export interface MeterSummary {
  readonly totals: MeterTotals
  readonly byCartridge: MeterGroup[]
  readonly byModel: MeterGroup[]
  readonly byDay: MeterGroup[]
}

/**
 * Opens or makes the meter's file. A file that is not a meter is put aside beside it and a new one begun: what was counted
 * there stands in the receipts, too, and nothing waits for it. Where nothing can be written, a copy in memory counts on.
 */
export function openMeter(file: string, options: MeterOptions = {}): Meter {
  try {
    return openAt(file, options)
  } catch (error) {
    if (toStatePackError(error).code !== 'E_STORE_UNREADABLE') return new Meter(copyOf(file), options)
    try {
      putAside(file)
      return openAt(file, options)
    } catch {
      return new Meter(copyOf(file), options)
    }
  }
}

function openAt(file: string, options: MeterOptions): Meter {
  const db = new Database(file, { timeout: 10_000 })
  try {
    if (file !== ':memory:') chmodSync(file, 0o600)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.exec(METER_SCHEMA)
    return new Meter(db, options)
  } catch (error) {
    db.close()
    throw error
  }
}

/** Of a meter that can be read, its records; else none. */
function copyOf(file: string): Database.Database {
  let db: Database.Database
  try {
    db = sqliteCopy(file)
    db.pragma('quick_check(1)')
  } catch {
    db = new Database(':memory:')
  }
  db.exec(METER_SCHEMA)
  return db
}

function putAside(file: string): void {
  for (const end of ['', '-wal', '-shm']) {
    if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, `${file}.damaged-${Date.now()}${end}`)
  }
}

const METER_SCHEMA = `CREATE TABLE IF NOT EXISTS records (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, cartridge TEXT, model TEXT NOT NULL, device TEXT NOT NULL,
  tokens_naive INTEGER NOT NULL, tokens_processed INTEGER NOT NULL, tokens_generated INTEGER NOT NULL,
  seconds_restore REAL NOT NULL, seconds_read REAL NOT NULL, seconds_generate REAL NOT NULL, seconds_avoided REAL,
  bytes_read INTEGER NOT NULL, bytes_written INTEGER NOT NULL, outcome TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS records_at ON records (at)`

export class Meter {
  readonly #db: Database.Database
  readonly #reading: MeasuredSpeed
  readonly #restoring: MeasuredSpeed
  readonly #options: MeterOptions

  constructor(db: Database.Database, options: MeterOptions) {
    this.#db = prepareOnce(db)
    this.#reading = new MeasuredSpeed(this.#db, { table: 'prefill', amount: 'tokens', least: 8, samples: 1 })
    this.#restoring = new MeasuredSpeed(this.#db, { table: 'restore', amount: 'bytes', least: 1, samples: 3 })
    this.#options = options
  }

  /** Remembers how fast a model read on a device: what seconds avoided are measured against. */
  prefill({ tokens, ...sample }: PrefillSample): void {
    this.#reading.add({ ...sample, amount: tokens })
  }

  /** Remembers how fast a state came from disk. */
  restored({ bytes, ...sample }: RestoreSample): void {
    this.#restoring.add({ ...sample, amount: bytes })
  }

  /** Seconds this model needs to read so many tokens on this device, from measured speed; null when never measured. */
  prefillSeconds(model: string | { readonly name: string }, device: string, tokens: number): number | null {
    return this.#reading.seconds(typeof model === 'string' ? model : model.name, device, tokens)
  }

  /** Seconds to bring so many bytes of this model's states from disk, from measured speed; null before it was seen three times. */
  restoreSeconds(model: string, device: string, bytes: number): number | null {
    return this.#restoring.seconds(model, device, bytes)
  }

  /** Records one inference. Its own reading and restoring count as samples of the speeds, too, after the comparison. */
  record(entry: MeterEntry): { readonly secondsAvoided: number | null; readonly outcome: Outcome } {
    const parsed = meterEntrySchema.parse(entry)
    try {
      // One writing for all of it.
      return this.#db.transaction(() => this.#add(parsed)).immediate()
    } catch (error) {
      // What was taken back was measured here, but nobody else will ever know of it.
      for (const speed of [this.#reading, this.#restoring]) speed.forget()
      throw error
    }
  }

  #add(parsed: MeterEntry): { readonly secondsAvoided: number | null; readonly outcome: Outcome } {
    const { model, device, tokensNaive, tokensProcessed, tokensGenerated } = parsed
    const reread = this.#reading.seconds(model, device, tokensNaive - tokensGenerated)
    const avoided = secondsAvoided(parsed, reread)
    const outcome = outcomeOf(parsed, avoided)
    this.#db
      .prepare('INSERT INTO records VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        parsed.at ?? this.#now().getTime(),
        parsed.cartridge,
        model,
        device,
        tokensNaive,
        tokensProcessed,
        tokensGenerated,
        parsed.secondsRestore,
        parsed.secondsRead,
        parsed.secondsGenerate,
        avoided,
        parsed.bytesRead,
        parsed.bytesWritten,
        outcome,
      )
    this.prefill({ model, device, tokens: tokensProcessed - tokensGenerated, seconds: parsed.secondsRead })
    this.restored({ model, device, bytes: parsed.bytesRead, seconds: parsed.secondsRestore })
    return { secondsAvoided: avoided, outcome }
  }

  /** Totals of a period, and the same by cartridge, model and day (local time). `labels` names cartridges. */
  summary({
    period = 'all',
    labels = id => id,
  }: {
    period?: Period
    labels?: (packetId: string) => string
  } = {}): MeterSummary {
    const from = since(period, this.#now())
    return {
      totals: meterTotals(this.#db, from),
      byCartridge: meterGroups(this.#db, { by: 'cartridge', from }).map(g => ({
        ...g,
        label: g.key === '' ? 'No cartridge' : labels(g.key),
      })),
      byModel: meterGroups(this.#db, { by: 'model', from }),
      byDay: meterGroups(this.#db, { by: 'day', from }),
    }
  }

  /** Cumulative series of a period, at most `points` points; the last one holds the period's totals. */
  series({ period = 'all', points = 300 }: { period?: Period; points?: number } = {}): MeterPoint[] {
    return meterSeries(this.#db, { from: since(period, this.#now()), points })
  }

  /** Every record as a file, with the totals in the JSON form. */
  export(format: 'csv' | 'json'): { readonly fileName: string; readonly bytes: Uint8Array } {
    const day = this.#now().toISOString().slice(0, 10)
    return { fileName: `savings-${day}.${format}`, bytes: exportMeter(this.#db, format) }
  }

  /** Forgets all records; measured speeds stay, they are facts about the machine. */
  reset(): { readonly removed: number } {
    const removed = this.#db.prepare('DELETE FROM records').run().changes
    return { removed }
  }

  close(): void {
    this.#db.close()
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date()
  }
}
