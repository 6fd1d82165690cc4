/** What is known of registries: which cartridges are in which repository, uploads that were interrupted, pushes to come. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { type LooseRow, looseSql } from './looseSql.ts'

/** A repository of a registry, by the names people call them. */
export interface RemotePlace {
  readonly registry: string
  readonly repository: string
}

export class RemoteRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** A cartridge has been pushed to, or pulled from, this place. */
  add({ registry, repository }: RemotePlace, packetId: Digest, at: number): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO remote_packets VALUES (?, ?, ?, ?)')
      .run(registry, repository, packetId, at)
  }

  /** Whether a cartridge has been pushed to, or pulled from, this place. */
  has({ registry, repository }: RemotePlace, packetId: Digest): boolean {
    return (
      this.#db
        .prepare('SELECT 1 FROM remote_packets WHERE registry = ? AND repository = ? AND packet_id = ?')
        .get(registry, repository, packetId) !== undefined
    )
  }

  /**
   * What was fetched from this place for whoever asked and nobody has made their own since: no name, tag, pin, collection or
   * conversation has it. Only what was not used since `before`; what is worth least first, by the rule of the tiers of memory.
   */
  copies({ registry, repository }: RemotePlace, before: number, now: number): { packetId: Digest; bytes: number }[] {
    const sql = looseSql({
      from: 'main.remote_packets',
      where: `r.registry = @registry AND r.repository = @repository AND p.trust IN ('trusted', 'restricted')`,
      unless: 'main.answers WHERE p.packet_id IN (root_packet_id, packet_id)',
    })
    return this.#db
      .prepare<[object], LooseRow>(sql)
      .all({ registry, repository, before, now })
      .map(row => ({ packetId: parseDigest(row.packet_id), bytes: row.bytes }))
  }

  /** Says that a cartridge is to be pushed there; durable when it returns. */
  addPush({ registry, repository }: RemotePlace, packetId: Digest): void {
    this.#db
      .prepare('INSERT OR IGNORE INTO remote_pushes (registry, repository, packet_id) VALUES (?, ?, ?)')
      .run(registry, repository, packetId)
  }

  /** The one that has waited longest, or null. */
  nextPush({ registry, repository }: RemotePlace): Digest | null {
    const row = this.#db
      .prepare<[string, string], { packet_id: string }>(
        'SELECT packet_id FROM remote_pushes WHERE registry = ? AND repository = ? ORDER BY number LIMIT 1',
      )
      .get(registry, repository)
    return row === undefined ? null : parseDigest(row.packet_id)
  }

  /** It has got there, or never will. */
  donePush({ registry, repository }: RemotePlace, packetId: Digest): void {
    this.#db
      .prepare('DELETE FROM remote_pushes WHERE registry = ? AND repository = ? AND packet_id = ?')
      .run(registry, repository, packetId)
  }

  /** How many wait. */
  pushes({ registry, repository }: RemotePlace): number {
    const row = this.#db
      .prepare<[string, string], { count: number }>(
        'SELECT count(*) AS count FROM remote_pushes WHERE registry = ? AND repository = ?',
      )
      .get(registry, repository)
    return row?.count ?? 0
  }

  /** Cartridges in other repositories of the same registry, the latest first. */
  beside({ registry, repository }: RemotePlace, limit: number): { repository: string; packetId: Digest }[] {
    return this.#db
      .prepare<[string, string, number], { repository: string; packet_id: string }>(
        'SELECT repository, packet_id FROM remote_packets WHERE registry = ? AND repository <> ? ORDER BY at DESC LIMIT ?',
      )
      .all(registry, repository, limit)
      .map(row => ({ repository: row.repository, packetId: parseDigest(row.packet_id) }))
  }

  /** Where an interrupted upload of a blob goes on, or null. */
  upload({ registry, repository }: RemotePlace, blob: Digest): string | null {
    const row = this.#db
      .prepare<[string, string, string], { location: string }>(
        'SELECT location FROM remote_uploads WHERE registry = ? AND repository = ? AND digest = ?',
      )
      .get(registry, repository, blob)
    return row?.location ?? null
  }

  /** Remembers that; null forgets it. */
  setUpload({ registry, repository }: RemotePlace, blob: Digest, location: string | null): void {
    if (location === null) {
      this.#db
        .prepare('DELETE FROM remote_uploads WHERE registry = ? AND repository = ? AND digest = ?')
        .run(registry, repository, blob)
    } else {
      this.#db
        .prepare('INSERT OR REPLACE INTO remote_uploads VALUES (?, ?, ?, ?)')
        .run(registry, repository, blob, location)
    }
  }
}
