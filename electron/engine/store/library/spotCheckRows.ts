/** What spot checks found, by packet. */
import type { Database } from 'better-sqlite3'
import type { Digest } from '#shared/domain/digest.ts'

export interface SpotChecks {
  /** Of `checked` sentences, how many the state could end. */
  readonly recalled: number
  readonly checked: number
}

export class SpotCheckRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The newest checks of a packet take the place of older ones. */
  set(packetId: Digest, { recalled, checked }: SpotChecks, at: number): void {
    const sql = 'INSERT OR REPLACE INTO main.spot_checks VALUES (?, ?, ?, ?)'
    this.#db.prepare(sql).run(packetId, recalled, checked, at)
  }
}
