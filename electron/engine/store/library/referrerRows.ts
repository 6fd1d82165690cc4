/** Manifests that speak about packets (signatures, traces), and sessions that are using them. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'

export interface ReferrerRow {
  readonly digest: Digest
  readonly subject: Digest
  readonly artifactType: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly addedAt: number
}

interface Row {
  digest: string
  subject: string
  artifact_type: string
  size: number
  added_at: number
}

export class ReferrerRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(row: Omit<ReferrerRow, 'addedAt'>, at: number): void {
    this.#db
      .prepare('INSERT OR IGNORE INTO referrers VALUES (?, ?, ?, ?, ?)')
      .run(row.digest, row.subject, row.artifactType, row.size, at)
  }

  /** Referrers of a packet (or of all), optionally of one artifact type, in the order of their digests. */
  list(filter: { subject?: Digest; artifactType?: string } = {}): ReferrerRow[] {
    const sql =
      'SELECT * FROM referrers WHERE (@subject IS NULL OR subject = @subject) AND (@type IS NULL OR artifact_type = @type) ORDER BY digest'
    const rows = this.#db.prepare<[{ subject: string | null; type: string | null }], Row>(sql)
    return rows.all({ subject: filter.subject ?? null, type: filter.artifactType ?? null }).map(row => ({
      digest: parseDigest(row.digest),
      subject: parseDigest(row.subject),
      artifactType: row.artifact_type,
      size: row.size,
      addedAt: row.added_at,
    }))
  }

  /** Keeps a packet that is there from gc until `until` (milliseconds since 1970). A power loss may take it: then nobody uses it. */
  hold(packetId: Digest, owner: string, until: number): void {
    const sql = 'INSERT OR REPLACE INTO holds SELECT packet_id, ?, ? FROM packets WHERE packet_id = ?'
    this.#unflushed(() => this.#db.prepare(sql).run(owner, until, packetId))
  }

  /** Gives up several holds in one write. */
  release(packetIds: readonly Digest[], owner: string): void {
    const sql = 'DELETE FROM holds WHERE owner = ? AND packet_id IN (SELECT value FROM json_each(?))'
    this.#unflushed(() => this.#db.prepare(sql).run(owner, JSON.stringify(packetIds)))
  }

  releaseAll(owner: string): void {
    this.#db.prepare('DELETE FROM holds WHERE owner = ?').run(owner)
  }

  /** Packets that others than `owner` hold at `now`; holds that have run out are dropped. */
  held(now: number, owner: string): Digest[] {
    this.#db.prepare('DELETE FROM holds WHERE until <= ?').run(now)
    const sql = 'SELECT DISTINCT packet_id FROM holds WHERE owner <> ?'
    return this.#db.prepare<[string], string>(sql).pluck().all(owner).map(parseDigest)
  }

  #unflushed(work: () => void): void {
    this.#db.pragma('synchronous = NORMAL')
    try {
      work()
    } finally {
      this.#db.pragma('synchronous = FULL')
    }
  }
}
