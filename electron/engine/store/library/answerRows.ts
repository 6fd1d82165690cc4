/** Answers that can be referred to by an id, as the states that they led to. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'

export interface AnswerRow {
  readonly id: string
  /** The cartridge that was asked, else the state itself: when it is forgotten, so is this. */
  readonly rootPacketId: Digest
  readonly packetId: Digest
  /** Milliseconds since 1970. */
  readonly at: number
}

export class AnswerRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add({ id, rootPacketId, packetId, at }: AnswerRow): void {
    this.#db.prepare('INSERT INTO answers VALUES (?, ?, ?, ?)').run(id, rootPacketId, packetId, at)
  }

  /** The state that an answer led to, the answer of a conversation's turn included; null for an id that nothing has. */
  packetOf(id: string): Digest | null {
    const sql = `SELECT packet_id AS id FROM answers WHERE id = ?
                 UNION ALL SELECT new_packet_id FROM turns WHERE id = ? AND new_packet_id IS NOT NULL`
    const row = this.#db.prepare<[string, string], { id: string }>(sql).get(id, id)
    return row === undefined ? null : parseDigest(row.id)
  }

  /** Every state that an answer led to, the turns of conversations included. */
  packets(): Digest[] {
    const sql =
      'SELECT packet_id AS id FROM answers UNION SELECT new_packet_id FROM turns WHERE new_packet_id IS NOT NULL'
    return this.#db
      .prepare<[], { id: string }>(sql)
      .all()
      .map(row => parseDigest(row.id))
  }
}
