/** Settings by key: JSON values that their owners parse with their own schemas. */
import type { Database } from 'better-sqlite3'

export class SettingRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The stored value, or undefined. */
  get(key: string): unknown {
    const row = this.#db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?').get(key)
    return row === undefined ? undefined : JSON.parse(row.value)
  }

  /** Durable when it returns; `undefined` removes the setting. */
  set(key: string, value: unknown): void {
    if (value === undefined) this.#db.prepare('DELETE FROM settings WHERE key = ?').run(key)
    else this.#db.prepare('INSERT OR REPLACE INTO settings VALUES (?, ?)').run(key, JSON.stringify(value))
  }

  all(): Record<string, unknown> {
    const rows = this.#db
      .prepare<[], { key: string; value: string }>('SELECT key, value FROM settings ORDER BY key')
      .all()
    return Object.fromEntries(rows.map(row => [row.key, JSON.parse(row.value)]))
  }
}
