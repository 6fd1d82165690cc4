/**
 * `index.sqlite`: what makes listing and searching fast. It can be deleted or damaged at any time; everything in it is
 * built again from blobs. Decisions (names, tags, trust) are joined from the library, never copied.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { sha256 } from '#engine/sha256.ts'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { makePrivate } from '../../privateFile.ts'
import type { Library } from '../library/library.ts'
import type { PacketIndexEntry } from '../packetIndexEntry.ts'
import { foldText } from './foldText.ts'
import { INDEX_SCHEMA, INDEX_TABLES, INDEX_VERSION } from './schema.ts'
import { WordIndex } from './wordIndex.ts'

const SEAL = 'index.seal'

export interface LineageRow {
  readonly name: string | null
  /** What was asked to get to it; null for a cartridge that no answer led to. */
  readonly question: string | null
  readonly kind: string
  readonly tokens: number
}

export class SearchIndex {
  /** True when the file was there, whole and of this version; false when it was begun again and is to be filled. */
  readonly wasWhole: boolean
  /** What packets are about. */
  readonly words: WordIndex
  readonly #library: Library
  readonly #path: string
  readonly #memory: boolean

  constructor(library: Library, path: string, options: { memory: boolean }) {
    this.#library = library
    library.connection.function('fold', { deterministic: true }, text => foldText(String(text)))
    this.#path = path
    this.words = new WordIndex(library.connection, write => this.#ifWhole(write))
    this.#memory = options.memory
    this.wasWhole = this.#open()
  }

  /** Packets of the library that the index does not know yet. */
  missing(): Digest[] {
    const sql = `SELECT packet_id AS id FROM main.packets
                 WHERE removed_at IS NULL AND packet_id NOT IN (SELECT packet_id FROM idx.packets)`
    return this.#db
      .prepare<[], { id: string }>(sql)
      .all()
      .map(row => parseDigest(row.id))
  }

  /**
   * Enters or replaces packets; `bytes` is the size of all blobs of a packet. A damaged index is left to the next
   * {@link SearchIndex.missing}: what has been published is published, whatever its index says.
   */
  put(packets: readonly { packetId: Digest; bytes: number; entry: PacketIndexEntry }[]): void {
    const db = this.#db
    this.#ifWhole(() => {
      for (const { packetId, bytes, entry } of packets) {
        this.#drop(packetId)
        const { title, kind, modelName, architecture, weightsDigest, tokens, card, recipe } = entry
        db.prepare('INSERT INTO idx.packets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
          null,
          packetId,
          title,
          kind,
          modelName,
          architecture,
          weightsDigest,
          tokens,
          bytes,
          foldText([title, modelName, card, recipe].join('\n')),
        )
        // The whole text first: it may be one of the sources, too.
        for (const { digest, whole } of entry.texts.toSorted((a, b) => Number(b.whole) - Number(a.whole)))
          db.prepare('INSERT OR IGNORE INTO idx.texts VALUES (?, ?, ?)').run(digest, packetId, whole ? 1 : 0)
        for (const chain of entry.prefixes)
          db.prepare('INSERT OR IGNORE INTO idx.prefixes VALUES (?, ?)').run(chain, packetId)
        entry.parents.forEach((parent, place) => {
          db.prepare('INSERT INTO idx.parents VALUES (?, ?, ?, ?)').run(packetId, parent.packetId, parent.op, place)
        })
      }
    })
  }

  drop(packetIds: readonly Digest[]): void {
    this.#ifWhole(() => {
      for (const packetId of packetIds) this.#drop(packetId)
    })
  }

  /** Packets that hold the text with this digest; `whole`: that were made from it and nothing else. */
  withText(digest: Digest): { packetId: Digest; whole: boolean }[] {
    const sql = `SELECT packet_id AS id, whole FROM idx.texts JOIN main.packets USING (packet_id)
                 WHERE digest = ? AND removed_at IS NULL ORDER BY added_at, packet_id`
    const rows = this.#db.prepare<[string], { id: string; whole: number }>(sql).all(digest)
    return rows.map(({ id, whole }) => ({ packetId: parseDigest(id), whole: whole === 1 }))
  }

  count(): number {
    const sql =
      'SELECT count(*) AS packets FROM idx.packets JOIN main.packets USING (packet_id) WHERE removed_at IS NULL'
    return this.#db.prepare<[], { packets: number }>(sql).get()?.packets ?? 0
  }

  /** Tokens and bytes of these packets together. */
  sizes(packetIds: readonly Digest[]): { tokens: number; bytes: number } {
    const sql = `SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(bytes), 0) AS bytes
                 FROM idx.packets WHERE packet_id IN (SELECT value FROM json_each(?))`
    const row = this.#db.prepare<[string], { tokens: number; bytes: number }>(sql).get(JSON.stringify(packetIds))
    return row ?? { tokens: 0, bytes: 0 }
  }

  /**
   * Packets that begin with the tokens that a chain names: those of these dtypes first, of those the newest; not what was
   * imported and is not trusted.
   */
  withPrefix(chain: string, { dtypes, limit }: { dtypes: readonly string[]; limit: number }): Digest[] {
    const sql = `SELECT packet_id AS id FROM idx.prefixes JOIN main.packets USING (packet_id)
                 WHERE chain = ? AND removed_at IS NULL AND trust <> 'restricted'
                 ORDER BY dtype IN (SELECT value FROM json_each(?)) DESC, added_at DESC, packet_id LIMIT ?`
    const rows = this.#db
      .prepare<[string, string, number], { id: string }>(sql)
      .all(chain, JSON.stringify(dtypes), limit)
    return rows.map(({ id }) => parseDigest(id))
  }

  /** How many tokens the packets have that begin so and have fewer than `below`: each length once. */
  prefixLengths(chain: string, below: number): number[] {
    const sql = `SELECT DISTINCT tokens FROM idx.prefixes JOIN idx.packets USING (packet_id) WHERE chain = ? AND tokens < ?`
    return this.#db
      .prepare<[string, number], { tokens: number }>(sql)
      .all(chain, below)
      .map(({ tokens }) => tokens)
  }

  /** Every parent link of packets in the library, for the lineage graph. */
  lineage(): { child: Digest; parent: Digest; op: string }[] {
    const sql = `SELECT child, parent, op FROM idx.parents JOIN main.packets ON packet_id = child
                 WHERE removed_at IS NULL ORDER BY child, place`
    const rows = this.#db.prepare<[], { child: string; parent: string; op: string }>(sql).all()
    return rows.map(({ child, parent, op }) => ({ child: parseDigest(child), parent: parseDigest(parent), op }))
  }

  /** What a lineage graph shows of these packets, those of the library among them: one query, however many. */
  nodes(packetIds: Iterable<Digest>): Map<Digest, LineageRow> {
    const sql = `SELECT i.packet_id, i.kind, i.tokens,
                 (SELECT min(name) FROM main.names n WHERE n.packet_id = i.packet_id) AS name,
                 (SELECT question FROM main.turns t JOIN main.conversations c ON c.id = t.conversation_id
                  WHERE t.new_packet_id = i.packet_id AND c.removed_at IS NULL ORDER BY t.rowid LIMIT 1) AS question
                 FROM main.packets l JOIN idx.packets i ON i.packet_id = l.packet_id
                 WHERE l.removed_at IS NULL AND l.packet_id IN (SELECT value FROM json_each(?))`
    const rows = this.#db.prepare<[string], LineageRow & { packet_id: string }>(sql).all(JSON.stringify([...packetIds]))
    return new Map(rows.map(({ packet_id, ...row }) => [parseDigest(packet_id), row]))
  }

  /** Throws everything away and starts empty; the caller fills it again. */
  reset(): void {
    if (!this.#emptyInPlace()) {
      this.#detach()
      if (!this.#memory) for (const end of ['', '-wal', '-shm']) rmSync(`${this.#path}${end}`, { force: true })
      this.#attach()
      this.#create()
    }
  }

  /** Seals the file with its digest, so that the next opening can tell damage from an interrupted run. */
  close(): void {
    if (this.#memory) return
    this.#db.pragma('idx.wal_checkpoint(TRUNCATE)')
    this.#detach()
    if (existsSync(this.#path)) this.#library.settings.set(SEAL, sha256(readFileSync(this.#path)))
  }

  get #db(): Database.Database {
    return this.#library.connection
  }

  #ifWhole(write: () => void): void {
    try {
      this.#db.transaction(write)()
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }

  /** True when the file was there and whole. */
  #open(): boolean {
    try {
      const seal = this.#memory ? undefined : this.#library.settings.get(SEAL)
      const damaged = typeof seal === 'string' && existsSync(this.#path) && sha256(readFileSync(this.#path)) !== seal
      if (!this.#memory) this.#library.settings.set(SEAL, undefined)
      if (damaged) {
        this.reset()
        return false
      }
      this.#attach()
      const version = Number(this.#db.pragma('idx.user_version', { simple: true }))
      // No seal: the last run was interrupted. SQLite recovers from that; a look at the pages finds what it could not.
      const whole = seal !== undefined || this.#db.pragma('idx.quick_check(1)', { simple: true }) === 'ok'
      if (version === INDEX_VERSION && whole) return true
      // Version 1 counted use in the index itself.
      if (version === 1 && whole) this.#db.exec('INSERT OR IGNORE INTO main.usage SELECT * FROM idx.usage')
      this.reset()
      return false
    } catch (error) {
      if (!isDamage(error)) throw error
      this.reset()
      return false
    }
  }

  #attach(): void {
    if (!this.#memory) makePrivate(this.#path)
    this.#db.prepare('ATTACH ? AS idx').run(this.#memory ? ':memory:' : this.#path)
    if (!this.#memory) this.#db.pragma('idx.journal_mode = WAL')
    // Disposable: losing it to a power cut costs a rebuild, so its commits need not wait for the disk.
    this.#db.pragma('idx.synchronous = OFF')
    // What is deleted is gone from the file, not only from the tables.
    this.#db.pragma('idx.secure_delete = ON')
  }

  #create(): void {
    this.#db.exec(INDEX_SCHEMA)
    this.#db.pragma(`idx.user_version = ${INDEX_VERSION}`)
  }

  /** Empties the tables where that is possible: other processes have the file open, and would be left with a deleted one. */
  #emptyInPlace(): boolean {
    try {
      if (!this.#isAttached) this.#attach()
      this.#db.transaction(() => {
        for (const table of INDEX_TABLES) this.#db.exec(`DROP TABLE IF EXISTS idx.${table}`)
        this.#create()
      })()
      return this.#db.pragma('idx.quick_check(1)', { simple: true }) === 'ok'
    } catch (error) {
      if (isDamage(error)) return false
      throw error
    }
  }

  #detach(): void {
    if (this.#isAttached) this.#db.exec('DETACH idx')
  }

  get #isAttached(): boolean {
    return (this.#db.pragma('database_list') as { name: string }[]).some(({ name }) => name === 'idx')
  }

  #drop(packetId: Digest): void {
    this.words.drop(packetId)
    for (const table of INDEX_TABLES) {
      if (table === 'words') continue
      const column = table === 'parents' ? 'child' : 'packet_id'
      this.#db.prepare(`DELETE FROM idx.${table} WHERE ${column} = ?`).run(packetId)
    }
  }
}

/** True for the errors by which SQLite says that a file is not what it should be. */
export function isDamage(thrown: unknown): boolean {
  return (
    thrown instanceof Database.SqliteError &&
    /^SQLITE_(CORRUPT|NOTADB|ERROR|IOERR|READONLY_DBMOVED|FULL)/.test(thrown.code)
  )
}
