/** The turns of conversations: questions and answers, each below another one; a question asked again is a branch. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'

export interface TurnRow {
  readonly id: string
  readonly conversationId: string
  /** The turn it stands below; null for a first one. */
  readonly previousId: string | null
  /** The turn whose state it went on from; null: the cartridge as it was, or nothing. */
  readonly parentId: string | null
  /** The turn whose question it answers, too: another cartridge's, in the same place; null for the first. */
  readonly besideId: string | null
  /** The cartridge that was asked; null: the bare model. */
  readonly rootPacketId: Digest | null
  readonly question: string
  readonly answer: string
  /** The state after the answer; null when it was not kept. */
  readonly newPacketId: Digest | null
  readonly receiptId: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Anything JSON that the asker wants back: token counts, seconds, the answer without the cartridge. */
  readonly detail: unknown
}

interface Row {
  id: string
  conversation_id: string
  previous_id: string | null
  parent_id: string | null
  root_packet_id: string | null
  question: string
  answer: string
  new_packet_id: string | null
  receipt_id: string
  at: number
  detail: string
  beside_id: string | null
}

export class TurnRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Enters a turn, and makes it the one that its conversation goes on after; one beside another is behind that already. */
  add(turn: TurnRow): void {
    this.#db
      .transaction(() => {
        this.#db
          .prepare('INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
          .run(
            turn.id,
            turn.conversationId,
            turn.previousId,
            turn.parentId,
            turn.rootPacketId,
            turn.question,
            turn.answer,
            turn.newPacketId,
            turn.receiptId,
            turn.at,
            JSON.stringify(turn.detail ?? null),
            turn.besideId,
          )
        this.#db
          .prepare('UPDATE conversations SET head_id = coalesce(?, ?), updated_at = max(updated_at, ?) WHERE id = ?')
          .run(turn.besideId, turn.id, turn.at, turn.conversationId)
      })
      .immediate()
  }

  get(id: string): TurnRow | null {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM turns WHERE id = ?').get(id)
    return row === undefined ? null : turnRow(row)
  }

  /** The turns of a conversation, in the order in which they were asked, whatever the clock said. */
  of(conversationId: string): TurnRow[] {
    const sql = 'SELECT * FROM turns WHERE conversation_id = ? ORDER BY rowid'
    return this.#db.prepare<[string], Row>(sql).all(conversationId).map(turnRow)
  }

  /** What a cartridge was asked, in any conversation that was not deleted: in that order, too. */
  asking(packetId: Digest): TurnRow[] {
    const sql = `SELECT turns.* FROM turns JOIN conversations c ON c.id = conversation_id
                 WHERE root_packet_id = ? AND c.removed_at IS NULL ORDER BY turns.rowid`
    return this.#db.prepare<[string], Row>(sql).all(packetId).map(turnRow)
  }

  /** The cartridge whose answer a state was kept after; null for none. */
  rootOf(packetId: Digest): Digest | null {
    const sql = 'SELECT root_packet_id FROM turns WHERE new_packet_id = ? AND root_packet_id IS NOT NULL LIMIT 1'
    const root = this.#db.prepare<[string], string>(sql).pluck().get(packetId)
    return root === undefined ? null : parseDigest(root)
  }

  /** Says of a turn again what may change: the state after it, and what its asker keeps with it. */
  change(id: string, { newPacketId, detail }: Pick<TurnRow, 'newPacketId' | 'detail'>): void {
    const sql = 'UPDATE turns SET new_packet_id = ?, detail = ? WHERE id = ?'
    this.#db.prepare(sql).run(newPacketId, JSON.stringify(detail ?? null), id)
  }

  /** Takes out the turns that asked a packet; what stood below them moves up, or below the answer beside. Within the caller's transaction. */
  forgetRoot(packetId: Digest): void {
    const sql = 'SELECT * FROM turns WHERE root_packet_id = ? ORDER BY rowid LIMIT 1'
    const first = this.#db.prepare<[string], Row>(sql)
    // One by one: what moved up may be the next.
    for (let row = first.get(packetId); row !== undefined; row = first.get(packetId)) {
      const { id, conversation_id, previous_id } = row
      const heir = this.#db.prepare<[string], string>('SELECT id FROM turns WHERE beside_id = ? ORDER BY rowid').pluck()
      const next = heir.get(id) ?? previous_id
      this.#db.prepare('UPDATE turns SET beside_id = nullif(?, id) WHERE beside_id = ?').run(next, id)
      this.#db.prepare('UPDATE turns SET previous_id = ? WHERE previous_id = ?').run(next, id)
      this.#db.prepare('UPDATE conversations SET head_id = ? WHERE head_id = ?').run(next, id)
      this.#db.prepare('DELETE FROM turns WHERE id = ?').run(id)
      this.#db
        .prepare(
          `DELETE FROM conversations WHERE id = ? AND draft = ''
           AND NOT EXISTS (SELECT 1 FROM turns WHERE conversation_id = conversations.id)`,
        )
        .run(conversation_id)
    }
  }
}

function turnRow(row: Row): TurnRow {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    previousId: row.previous_id,
    parentId: row.parent_id,
    rootPacketId: row.root_packet_id === null ? null : parseDigest(row.root_packet_id),
    question: row.question,
    answer: row.answer,
    newPacketId: row.new_packet_id === null ? null : parseDigest(row.new_packet_id),
    besideId: row.beside_id,
    receiptId: row.receipt_id,
    at: row.at,
    detail: JSON.parse(row.detail),
  }
}
