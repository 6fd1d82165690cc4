/** States that programs' answers led to: kept for a time, until somebody makes them their own. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { type LooseRow, looseSql } from './looseSql.ts'

export class RetainedRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(packetId: Digest): void {
    this.#db.prepare('INSERT OR IGNORE INTO retained VALUES (?)').run(packetId)
  }

  /** It was used; says nothing of others. */
  use(packetId: Digest, at: number): void {
    this.#db
      .prepare(
        `INSERT INTO main.usage SELECT packet_id, 0, 0, 0, ? FROM main.retained WHERE packet_id = ?
         ON CONFLICT (packet_id) DO UPDATE SET used_at = max(used_at, excluded.used_at)`,
      )
      .run(at, packetId)
  }

  /** It was made for itself, too: it stays. */
  release(packetId: Digest): void {
    this.#db.prepare('DELETE FROM retained WHERE packet_id = ?').run(packetId)
  }

  /** Those that nobody has made their own, were not used since `before` and wait for no push; what is worth least first. */
  loose(before: number, now: number): { packetId: Digest; bytes: number }[] {
    const sql = looseSql({
      from: 'main.retained',
      where: `p.trust = 'own'`,
      unless: 'main.remote_pushes WHERE packet_id = p.packet_id',
    })
    return this.#db
      .prepare<[object], LooseRow>(sql)
      .all({ before, now })
      .map(row => ({ packetId: parseDigest(row.packet_id), bytes: row.bytes }))
  }
}
