/** The history of questions: a tree, each answer a point one can rewind to or branch from. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'

export interface Ask {
  readonly id: string
  /** The ask this one continued; null for the first question to a cartridge. */
  readonly parentId: string | null
  /** The cartridge the conversation started from. */
  readonly rootPacketId: Digest
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
  parent_id: string | null
  root_packet_id: string
  question: string
  answer: string
  new_packet_id: string | null
  receipt_id: string
  at: number
  detail: string
}

export class AskRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(ask: Ask): void {
    this.#db
      .prepare('INSERT INTO asks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        ask.id,
        ask.parentId,
        ask.rootPacketId,
        ask.question,
        ask.answer,
        ask.newPacketId,
        ask.receiptId,
        ask.at,
        JSON.stringify(ask.detail ?? null),
      )
  }

  get(id: string): Ask | null {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM asks WHERE id = ?').get(id)
    return row === undefined ? null : ask(row)
  }

  /** Everything ever asked of a cartridge, in the order it was asked, whatever the clock said. */
  ofRoot(rootPacketId: Digest): Ask[] {
    const sql = 'SELECT * FROM asks WHERE root_packet_id = ? ORDER BY rowid'
    return this.#db.prepare<[string], Row>(sql).all(rootPacketId).map(ask)
  }

  /** Every state that an answer led to; gc keeps them as long as the answer is in the history. */
  packets(): Digest[] {
    const sql = 'SELECT DISTINCT new_packet_id AS id FROM asks WHERE new_packet_id IS NOT NULL'
    return this.#db
      .prepare<[], { id: string }>(sql)
      .all()
      .map(row => parseDigest(row.id))
  }

  /** Forgets the history of a cartridge; returns how many answers it had. */
  clear(rootPacketId: Digest): number {
    return this.#db.prepare('DELETE FROM asks WHERE root_packet_id = ?').run(rootPacketId).changes
  }
}

function ask(row: Row): Ask {
  return {
    id: row.id,
    parentId: row.parent_id,
    rootPacketId: parseDigest(row.root_packet_id),
    question: row.question,
    answer: row.answer,
    newPacketId: row.new_packet_id === null ? null : parseDigest(row.new_packet_id),
    receiptId: row.receipt_id,
    at: row.at,
    detail: JSON.parse(row.detail),
  }
}
