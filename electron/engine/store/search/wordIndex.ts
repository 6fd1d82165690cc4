import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { wordsOf } from './wordsOf.ts'

/** What a packet is about, in words. */
export interface PacketWords {
  readonly title: string
  readonly card: string
  readonly texts: string
}

/** The part of the search index that finds packets by what they are about. */
export class WordIndex {
  readonly #db: Database
  readonly #ifWhole: (write: () => void) => void

  /** `ifWhole`: runs a change in a transaction, and leaves a damaged index as it is. */
  constructor(db: Database, ifWhole: (write: () => void) => void) {
    this.#db = db
    this.#ifWhole = ifWhole
  }

  /** Packets that somebody named and whose words are not in the index yet. */
  missing(): Digest[] {
    const sql = `SELECT l.packet_id AS id FROM main.packets l JOIN idx.packets i ON i.packet_id = l.packet_id
                 WHERE l.removed_at IS NULL AND i.id NOT IN (SELECT rowid FROM idx.words)
                 AND EXISTS (SELECT 1 FROM main.names n WHERE n.packet_id = l.packet_id)`
    const rows = this.#db.prepare<[], { id: string }>(sql).all()
    return rows.map(({ id }) => parseDigest(id))
  }

  /** Its words changed: they are entered again when they are next asked for. */
  forget(packetId: Digest): void {
    this.#ifWhole(() => this.drop(packetId))
  }

  /** The same within a change that is under way. */
  drop(packetId: Digest): void {
    const sql = 'DELETE FROM idx.words WHERE rowid = (SELECT id FROM idx.packets WHERE packet_id = ?)'
    this.#db.prepare(sql).run(packetId)
  }

  /** Enters what a packet is about: what {@link WordIndex.about} finds it by. */
  put(packetId: Digest, { title, card, texts }: PacketWords): void {
    const [titled, carded, written] = [title, card, texts].map(text =>
      wordsOf(text)
        .map(({ word }) => word)
        .join(' '),
    )
    const sql = `INSERT OR REPLACE INTO idx.words (rowid, title, card, texts)
                 SELECT id, ?, ?, ? FROM idx.packets WHERE packet_id = ?`
    this.#ifWhole(() => this.#db.prepare(sql).run(titled, carded, written, packetId))
  }

  /**
   * Packets that somebody named and that may be run, by how well their names, cards and texts go with these words: best first
   * (BM25, https://www.sqlite.org/fts5.html#the_bm25_function). `among`: only these.
   */
  about(words: readonly string[], limit: number, among?: readonly Digest[]): Digest[] {
    if (words.length === 0) return []
    const sql = `SELECT l.packet_id AS id
                 FROM idx.words JOIN idx.packets i ON i.id = words.rowid JOIN main.packets l ON l.packet_id = i.packet_id
                 WHERE words MATCH ? AND l.removed_at IS NULL AND l.trust <> 'restricted'
                 AND EXISTS (SELECT 1 FROM main.names n WHERE n.packet_id = l.packet_id)
                 ${among === undefined ? '' : 'AND l.packet_id IN (SELECT value FROM json_each(?))'}
                 ORDER BY bm25(words, 4, 2, 1), l.packet_id LIMIT ?`
    const values = [words.map(phrase).join(' OR '), ...(among === undefined ? [] : [JSON.stringify(among)]), limit]
    const rows = this.#db.prepare<unknown[], { id: string }>(sql).all(...values)
    return rows.map(({ id }) => parseDigest(id))
  }

  /** Which of these packets hold a word, in any of its English forms, in names, card or text. */
  holding(word: string, packetIds: readonly Digest[]): Set<Digest> {
    const sql = `SELECT i.packet_id AS id FROM idx.words JOIN idx.packets i ON i.id = words.rowid
                 WHERE words MATCH ? AND i.packet_id IN (SELECT value FROM json_each(?))`
    const rows = this.#db.prepare<[string, string], { id: string }>(sql).all(phrase(word), JSON.stringify(packetIds))
    return new Set(rows.map(({ id }) => parseDigest(id)))
  }
}

/** A word as a string of FTS5's query language. */
function phrase(word: string): string {
  return `"${word.replaceAll('"', '""')}"`
}
