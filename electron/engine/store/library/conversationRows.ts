/** Conversations: what people have asked, and what they were about to ask. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'

/** A question that was put and has no answer yet. */
export interface Pending {
  readonly question: string
  readonly previousId: string | null
  readonly parentId: string | null
}

export interface ConversationRow {
  readonly id: string
  /** As somebody called it; null: by its first question. */
  readonly name: string | null
  /** The cartridges in the slots, in their order; none: the bare model answers. */
  readonly slots: readonly Digest[]
  /** Whether each of several is asked, or the one that a question is about; null: nobody chose. */
  readonly asking: 'each' | 'route' | null
  /** What answers while the slot is empty; null: the default. */
  readonly model: string | null
  /** What the bare model is told before the first question; empty: nothing. */
  readonly system: string
  /** The turn that the next question is put below; null: it begins. */
  readonly headId: string | null
  readonly draft: string
  /** Grows with every change of the draft, so that a window can tell its own from another's. */
  readonly draftRevision: number
  readonly pending: Pending | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** What may change of a conversation at a person's wish. */
export type ConversationChange = Partial<
  Pick<ConversationRow, 'name' | 'slots' | 'asking' | 'model' | 'system' | 'headId' | 'draft' | 'pending'>
>

export interface ListedConversation extends ConversationRow {
  readonly turns: number
  readonly firstQuestion: string | null
  /** The question of the first turn that holds what was searched for. */
  readonly found: string | null
}

interface Row {
  id: string
  name: string | null
  slots: string
  asking: 'each' | 'route' | null
  model: string | null
  system: string
  head_id: string | null
  draft: string
  draft_revision: number
  pending: string | null
  created_at: number
  updated_at: number
  removed_at: number | null
}

const COLUMNS = {
  ...{ name: 'name', slots: 'slots', asking: 'asking', model: 'model', system: 'system' },
  ...{ headId: 'head_id', draft: 'draft', pending: 'pending' },
} as const

/** What has neither a turn nor a draft is nothing to come back to. */
const BEGUN = `(c.draft <> '' OR c.pending IS NOT NULL OR c.name IS NOT NULL
  OR EXISTS (SELECT 1 FROM turns b WHERE b.conversation_id = c.id))`

export class ConversationRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** null for one that was not begun. Throws `E_NOT_FOUND` for one that was deleted. */
  find(id: string): ConversationRow | null {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM conversations WHERE id = ?').get(id)
    if (row === undefined) return null
    if (row.removed_at !== null) throw new StatePackError('E_NOT_FOUND', 'This conversation was deleted.', { id })
    return conversationRow(row)
  }

  /** One that is there and was not deleted. Throws `E_NOT_FOUND`. */
  get(id: string): ConversationRow {
    const row = this.find(id)
    if (row === null) throw new StatePackError('E_NOT_FOUND', 'There is no such conversation.', { id })
    return row
  }

  /** Begins a conversation, or changes one. Throws `E_NOT_FOUND` for one that was deleted. */
  save(id: string, change: ConversationChange, at: number): ConversationRow {
    return this.#db
      .transaction(() => {
        this.#db
          .prepare(
            'INSERT INTO conversations (id, created_at, updated_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
          )
          .run(id, at, at)
        const before = this.get(id)
        for (const key of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) {
          const value = change[key]
          if (value === undefined) continue
          const stored = value === null || typeof value === 'string' ? value : JSON.stringify(value)
          this.#db.prepare(`UPDATE conversations SET ${COLUMNS[key]} = ? WHERE id = ?`).run(stored, id)
        }
        if (change.draft !== undefined && change.draft !== before.draft) {
          this.#db
            .prepare('UPDATE conversations SET draft_revision = draft_revision + 1, updated_at = ? WHERE id = ?')
            .run(at, id)
        }
        return this.get(id)
      })
      .immediate()
  }

  /**
   * Those whose name, draft, cartridge, questions or answers hold each of `words` (folded), or all, the one that was used last
   * first. `slots`: those with these cartridges in their slots. Needs the function `fold` of the search index.
   */
  list(query: { words: readonly string[]; slots?: readonly Digest[] | undefined; offset: number; limit: number }): {
    items: ListedConversation[]
    total: number
  } {
    const { words, slots, offset, limit } = query
    const holds = '(instr(fold(t.question), ?) OR instr(fold(t.answer), ?))'
    const conditions = words.map(
      () => ` AND (instr(fold(coalesce(c.name, '')), ?) OR instr(fold(c.draft), ?)
        OR EXISTS (SELECT 1 FROM json_each(c.slots) s JOIN names n ON n.packet_id = s.value WHERE instr(fold(n.name), ?))
        OR EXISTS (SELECT 1 FROM turns t WHERE t.conversation_id = c.id AND ${holds}))`,
    )
    const from = `FROM conversations c WHERE c.removed_at IS NULL AND ${BEGUN}${slots === undefined ? '' : ' AND c.slots = ?'}${conditions.join('')}`
    const values = [
      ...(slots === undefined ? [] : [JSON.stringify(slots)]),
      ...words.flatMap(word => [word, word, word, word, word]),
    ]
    const first = words[0]
    const found =
      first === undefined
        ? 'NULL'
        : `(SELECT question FROM turns t WHERE t.conversation_id = c.id AND ${holds} ORDER BY t.rowid LIMIT 1)`
    const rows = this.#db
      .prepare<unknown[], Row & { turns: number; first_question: string | null; found: string | null }>(
        `SELECT c.*, (SELECT count(*) FROM turns t WHERE t.conversation_id = c.id AND t.beside_id IS NULL) AS turns,
         (SELECT question FROM turns t WHERE t.conversation_id = c.id ORDER BY t.rowid LIMIT 1) AS first_question,
         ${found} AS found ${from} ORDER BY c.updated_at DESC, c.rowid DESC LIMIT ? OFFSET ?`,
      )
      .all(...(first === undefined ? [] : [first, first]), ...values, limit, offset)
    const { total } = this.#db
      .prepare<unknown[], { total: number }>(`SELECT count(*) AS total ${from}`)
      .get(...values) ?? {
      total: 0,
    }
    return {
      items: rows.map(row => ({
        ...conversationRow(row),
        turns: row.turns,
        firstQuestion: row.first_question,
        found: row.found,
      })),
      total,
    }
  }

  /**
   * Deletes conversations, undoably until they are {@link ConversationRows.purge}d. Returns how many were there, and the states
   * that nothing else leads to: nobody named, tagged or pinned them.
   */
  remove(ids: readonly string[], at: number): { removed: number; packets: Digest[] } {
    return this.#db
      .transaction(() => {
        const remove = this.#db.prepare('UPDATE conversations SET removed_at = ? WHERE id = ? AND removed_at IS NULL')
        const removed = ids.reduce((sum, id) => sum + remove.run(at, id).changes, 0)
        return { removed, packets: this.#onlyOf(ids) }
      })
      .immediate()
  }

  /** Brings back what was removed; returns how many, and the states that went with them. */
  restore(ids: readonly string[]): { restored: number; packets: Digest[] } {
    return this.#db
      .transaction(() => {
        const packets = this.#onlyOf(ids)
        const restore = this.#db.prepare(
          'UPDATE conversations SET removed_at = NULL WHERE id = ? AND removed_at IS NOT NULL',
        )
        return { restored: ids.reduce((sum, id) => sum + restore.run(id).changes, 0), packets }
      })
      .immediate()
  }

  /** Forgets for good what was removed before `before`; returns how many there were. The write-ahead log is the caller's. */
  purge(before: number): number {
    return this.#db
      .transaction(() => {
        const gone = 'SELECT id FROM conversations WHERE removed_at IS NOT NULL AND removed_at <= ?'
        this.#db.prepare(`DELETE FROM turns WHERE conversation_id IN (${gone})`).run(before)
        return this.#db
          .prepare('DELETE FROM conversations WHERE removed_at IS NOT NULL AND removed_at <= ?')
          .run(before).changes
      })
      .immediate()
  }

  /** States that these conversations lead to, and nothing that stands. */
  #onlyOf(ids: readonly string[]): Digest[] {
    const sql = `SELECT DISTINCT t.new_packet_id AS id FROM turns t JOIN packets p ON p.packet_id = t.new_packet_id
      WHERE t.conversation_id IN (SELECT value FROM json_each(?)) AND p.pinned = 0
      AND NOT EXISTS (SELECT 1 FROM names n WHERE n.packet_id = t.new_packet_id)
      AND NOT EXISTS (SELECT 1 FROM tags g WHERE g.packet_id = t.new_packet_id)
      AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.packet_id = t.new_packet_id)
      AND NOT EXISTS (SELECT 1 FROM turns o JOIN conversations c ON c.id = o.conversation_id
        WHERE o.new_packet_id = t.new_packet_id AND c.removed_at IS NULL)`
    const rows = this.#db.prepare<[string], { id: string }>(sql).all(JSON.stringify(ids))
    return rows.map(({ id }) => parseDigest(id))
  }
}

function conversationRow(row: Row): ConversationRow {
  return {
    id: row.id,
    name: row.name,
    slots: (JSON.parse(row.slots) as string[]).map(parseDigest),
    asking: row.asking,
    model: row.model,
    system: row.system,
    headId: row.head_id,
    draft: row.draft,
    draftRevision: row.draft_revision,
    pending: row.pending === null ? null : (JSON.parse(row.pending) as Pending),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
