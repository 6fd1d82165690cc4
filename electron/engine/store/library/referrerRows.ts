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

  /** Keeps a packet from gc until `until` (milliseconds since 1970), whatever happens to its row. */
  hold(packetId: Digest, owner: string, until: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO holds VALUES (?, ?, ?)').run(packetId, owner, until)
  }

  release(packetId: Digest, owner: string): void {
    this.#db.prepare('DELETE FROM holds WHERE packet_id = ? AND owner = ?').run(packetId, owner)
  }

  /** Packets held at `now`; holds that have run out are dropped. */
  held(now: number): Digest[] {
    this.#db.prepare('DELETE FROM holds WHERE until <= ?').run(now)
    const rows = this.#db.prepare<[], { packet_id: string }>('SELECT DISTINCT packet_id FROM holds').all()
    return rows.map(row => parseDigest(row.packet_id))
  }
}
