/** Answers that can be referred to by an id: the states that they led to, and what was asked and answered. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'

export interface AnswerRow {
  readonly id: string
  /** The cartridge that was asked, else the state itself: when it is forgotten, so is this. */
  readonly rootPacketId: Digest
  readonly packetId: Digest
  /** Milliseconds since 1970. */
  readonly at: number
  /** Digest of the request: the same again replaces what is there, another does not. */
  readonly request: Digest
  /** As they were told: JSON. */
  readonly response: unknown
  readonly input: unknown
}

export class AnswerRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Keeps an answer; false, and nothing kept, where another request was answered under this id. */
  keep({ id, rootPacketId, packetId, at, request, response, input }: AnswerRow): boolean {
    const texts = [JSON.stringify(response), JSON.stringify(input)] as const
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    const { changes } = this.#db
      .prepare(
        `INSERT INTO answers (id, root_packet_id, packet_id, at, bytes, request, response, input) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET root_packet_id = excluded.root_packet_id, packet_id = excluded.packet_id,
         at = excluded.at, bytes = excluded.bytes, response = excluded.response, input = excluded.input
         WHERE request IS excluded.request`,
      )
      .run(id, rootPacketId, packetId, at, bytes, request, ...texts)
    return changes > 0
  }

  /** What was told, or asked, and the state that it led to; null where that is not known. */
  read(id: string, part: 'response' | 'input'): { readonly packetId: Digest; readonly told: unknown } | null {
    const sql = `SELECT packet_id, ${part} AS told FROM answers WHERE id = ?`
    const row = this.#db.prepare<[string], { packet_id: string; told: string | null }>(sql).get(id)
    if (row === undefined || row.told === null) return null
    return { packetId: parseDigest(row.packet_id), told: JSON.parse(row.told) }
  }

  /** Forgets an answer, and says which state it led to; null for an id that no answer has. */
  delete(id: string): Digest | null {
    const sql = 'DELETE FROM answers WHERE id = ? RETURNING packet_id'
    const packetId = this.#db.prepare<[string], string>(sql).pluck().get(id)
    return packetId === undefined ? null : parseDigest(packetId)
  }

  /** Bytes of what was asked and answered, together. */
  bytes(): number {
    return this.#db.prepare<[], number>('SELECT total FROM answer_bytes').pluck().get() ?? 0
  }

  /** The same by the state that an answer led to. */
  bytesByPacket(): Map<Digest, number> {
    const sql = 'SELECT packet_id, sum(bytes) AS bytes FROM answers GROUP BY packet_id'
    const rows = this.#db.prepare<[], { packet_id: string; bytes: number }>(sql).all()
    return new Map(rows.map(row => [parseDigest(row.packet_id), row.bytes]))
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
