/** States that programs' answers led to: kept for a time, until somebody makes them their own. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { type LooseRow, looseSql, unlessOwned } from './looseSql.ts'

export class RetainedRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(packetId: Digest): void {
    const sql = 'INSERT INTO retained (packet_id) VALUES (?) ON CONFLICT (packet_id) DO UPDATE SET let_go = 0'
    this.#db.prepare(sql).run(packetId)
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

  /**
   * An answer that led there was deleted. Where nobody has made the state their own and no other answer led to it, it leaves the
   * library, used or not; for good it goes once no process uses it. Returns whether it left.
   */
  letGo(packetId: Digest, at: number): boolean {
    const isLoose = this.#db
      .prepare<[string], string>(
        `SELECT packet_id FROM main.packets p JOIN main.retained r USING (packet_id) WHERE packet_id = ?
         AND p.removed_at IS NULL AND p.pinned = 0 AND ${unlessOwned(['main.answers WHERE packet_id = p.packet_id'])}`,
      )
      .get(packetId)
    if (isLoose === undefined) return false
    this.#db.prepare('UPDATE packets SET removed_at = ? WHERE packet_id = ?').run(at, packetId)
    this.#db.prepare('UPDATE retained SET let_go = 1 WHERE packet_id = ?').run(packetId)
    return true
  }

  /** An answer leads there again. Takes back that it was let go, unless it has gone for good; returns whether it had left. */
  takeBack(packetId: Digest): boolean {
    const { changes } = this.#db
      .prepare(
        `UPDATE packets SET removed_at = NULL WHERE packet_id = ? AND removed_at IS NOT NULL
         AND packet_id IN (SELECT packet_id FROM retained WHERE let_go = 1)`,
      )
      .run(packetId)
    this.#db.prepare('UPDATE retained SET let_go = 0 WHERE packet_id = ?').run(packetId)
    return changes > 0
  }

  /** Those that were let go before `before`. */
  gone(before: number): Digest[] {
    const sql = `SELECT packet_id FROM main.retained JOIN main.packets USING (packet_id)
                 WHERE let_go = 1 AND removed_at IS NOT NULL AND removed_at <= ?`
    return this.#db.prepare<[number], string>(sql).pluck().all(before).map(parseDigest)
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
