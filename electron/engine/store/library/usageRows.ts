/** How often and how well packets have served. Not in the search index, which may be built again from blobs alone. */
import type { Database } from 'better-sqlite3'
import type { Digest } from '#shared/domain/digest.ts'

export interface Usage {
  readonly packetId: Digest
  readonly asks: number
  readonly tokensSaved: number
  readonly secondsSaved: number
  /** Milliseconds since 1970. */
  readonly usedAt: number
}

export class UsageRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Adds one use to what is known of a packet. A power loss may take the last ones: no answer waits for a count. */
  add(use: Usage): void {
    this.#db.pragma('synchronous = NORMAL')
    try {
      this.#add(use)
    } finally {
      this.#db.pragma('synchronous = FULL')
    }
  }

  #add(use: Usage): void {
    this.#db
      .prepare(
        `INSERT INTO main.usage VALUES (?, ?, ?, ?, ?) ON CONFLICT (packet_id) DO UPDATE SET
         asks = asks + excluded.asks, tokens_saved = tokens_saved + excluded.tokens_saved,
         seconds_saved = seconds_saved + excluded.seconds_saved, used_at = max(used_at, excluded.used_at)`,
      )
      .run(use.packetId, use.asks, use.tokensSaved, use.secondsSaved, use.usedAt)
  }

  /** Null for a packet that was never used. */
  get(packetId: Digest): Usage | null {
    const sql = 'SELECT * FROM main.usage WHERE packet_id = ?'
    const row = this.#db
      .prepare<[string], { asks: number; tokens_saved: number; seconds_saved: number; used_at: number }>(sql)
      .get(packetId)
    if (row === undefined) return null
    const { asks, tokens_saved, seconds_saved, used_at } = row
    return { packetId, asks, tokensSaved: tokens_saved, secondsSaved: seconds_saved, usedAt: used_at }
  }
}
