/** The packets a library holds, and what people think of them. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Trust } from '#shared/domain/trust.ts'
import { NameRows } from './nameRows.ts'
import type { TurnRows } from './turnRows.ts'

export type VerifiedLevel = 'none' | 'intact' | 'signed' | 'sampled' | 'recomputed'

export interface PacketRow {
  readonly packetId: Digest
  readonly contextId: Digest
  readonly dtype: string
  /** Bytes of the manifest. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly addedAt: number
  readonly trust: Trust
  readonly verified: VerifiedLevel
  readonly pinned: boolean
  /** When it was deleted, if it was; undoable for seven days. */
  readonly removedAt: number | null
}

export interface NewPacketRow {
  readonly packetId: Digest
  readonly contextId: Digest
  readonly dtype: string
  readonly size: number
  readonly trust: Trust
  readonly names: readonly string[]
  readonly at: number
}

interface Row {
  packet_id: string
  context_id: string
  dtype: string
  size: number
  added_at: number
  trust: Trust
  verified: VerifiedLevel
  pinned: number
  removed_at: number | null
}

export class PacketRows {
  readonly #db: Database
  readonly #turns: TurnRows
  /** What they are called. */
  readonly names: NameRows

  constructor(db: Database, turns: TurnRows) {
    this.#db = db
    this.#turns = turns
    this.names = new NameRows(db, packetId => this.#mustExist(packetId))
  }

  get(packetId: Digest): PacketRow | null {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM packets WHERE packet_id = ?').get(packetId)
    return row === undefined ? null : packetRow(row)
  }

  /** The packet that may be run for this context in this dtype, if there is one; a restricted one does not count. */
  ofContext(contextId: Digest, dtype: string): PacketRow | null {
    const sql = `SELECT * FROM packets WHERE context_id = ? AND dtype = ? AND removed_at IS NULL AND trust <> 'restricted'`
    const row = this.#db.prepare<[string, string], Row>(sql).get(contextId, dtype)
    return row === undefined ? null : packetRow(row)
  }

  /** Every packet that claims this context, in any dtype and trusted or not, in the order they came. */
  allOfContext(contextId: Digest): PacketRow[] {
    const sql = 'SELECT * FROM packets WHERE context_id = ? AND removed_at IS NULL ORDER BY added_at, packet_id'
    return this.#db.prepare<[string], Row>(sql).all(contextId).map(packetRow)
  }

  /** Every packet, tombstones included, in the order they came, whatever the clock said. */
  all(): PacketRow[] {
    return this.#db.prepare<[], Row>('SELECT * FROM packets ORDER BY rowid').all().map(packetRow)
  }

  /**
   * Enters a packet, or finds the one that already holds its context: the first durable writer wins. A restricted packet
   * never wins and never loses: it is kept beside, for looking at. A deleted packet that is made again comes back, with the
   * trust it comes with this time: who trusted it once has thrown that away, too. Durable when it returns.
   */
  enter(row: NewPacketRow): { packetId: Digest; entered: boolean } {
    const enter = this.#db.transaction((): { packetId: Digest; entered: boolean } => {
      const known = this.get(row.packetId)
      const stands = known !== null && known.removedAt === null && known.trust !== 'restricted'
      const trust = stands ? known.trust : row.trust
      const winner = trust === 'restricted' ? null : this.ofContext(row.contextId, row.dtype)
      const packetId = winner?.packetId ?? row.packetId
      if (winner === null) {
        this.#db
          .prepare(
            `INSERT INTO packets (packet_id, context_id, dtype, size, added_at, trust) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (packet_id) DO UPDATE SET removed_at = NULL, trust = excluded.trust`,
          )
          .run(packetId, row.contextId, row.dtype, row.size, row.at, trust)
      }
      this.names.give(packetId, row.names, row.at)
      return { packetId, entered: winner === null && (known === null || known.removedAt !== null) }
    })
    return enter.immediate()
  }

  /** Packets that somebody has given a tag. */
  tagged(): Set<Digest> {
    const rows = this.#db.prepare<[], { packet_id: string }>('SELECT DISTINCT packet_id FROM tags').all()
    return new Set(rows.map(row => parseDigest(row.packet_id)))
  }

  setTags(packetId: Digest, tags: readonly string[]): void {
    this.#db
      .transaction(() => {
        this.#mustExist(packetId)
        this.#db.prepare('DELETE FROM tags WHERE packet_id = ?').run(packetId)
        for (const tag of new Set(tags)) this.#db.prepare('INSERT INTO tags VALUES (?, ?)').run(packetId, tag)
      })
      .immediate()
  }

  setPinned(packetId: Digest, pinned: boolean): void {
    this.#mustExist(packetId)
    this.#db.prepare('UPDATE packets SET pinned = ? WHERE packet_id = ?').run(pinned ? 1 : 0, packetId)
  }

  setTrust(packetId: Digest, trust: Trust): void {
    const row = this.#mustExist(packetId)
    const rival = trust === 'restricted' ? null : this.ofContext(row.contextId, row.dtype)
    if (rival !== null && rival.packetId !== packetId) {
      throw new StatePackError(
        'E_CONFLICT',
        'The same context is in your library already, as a cartridge that may be run.',
        {
          packetId: rival.packetId,
        },
      )
    }
    this.#db.prepare('UPDATE packets SET trust = ? WHERE packet_id = ?').run(trust, packetId)
  }

  setVerified(packetId: Digest, level: VerifiedLevel): void {
    this.#mustExist(packetId)
    this.#db.prepare('UPDATE packets SET verified = ? WHERE packet_id = ?').run(level, packetId)
  }

  /** Deletes packets, undoably: they leave the library and stay on disk for seven days. Returns how many were there. */
  remove(packetIds: readonly Digest[], at: number): number {
    const remove = this.#db.prepare('UPDATE packets SET removed_at = ? WHERE packet_id = ? AND removed_at IS NULL')
    return this.#db.transaction(() => packetIds.reduce((sum, id) => sum + remove.run(at, id).changes, 0)).immediate()
  }

  /** Undoes {@link PacketRows.remove}. Throws `E_CONFLICT` when the context has been stored again since. */
  restore(packetIds: readonly Digest[]): number {
    const restore = this.#db.prepare(
      'UPDATE packets SET removed_at = NULL WHERE packet_id = ? AND removed_at IS NOT NULL',
    )
    // Deleted once more, it is there for seven days as all others.
    const keep = this.#db.prepare('UPDATE retained SET let_go = 0 WHERE packet_id = ?')
    return this.#db
      .transaction(() =>
        packetIds.reduce((sum, id) => {
          const row = this.get(id)
          if (
            row !== null &&
            row.removedAt !== null &&
            row.trust !== 'restricted' &&
            this.ofContext(row.contextId, row.dtype) !== null
          ) {
            throw new StatePackError('E_CONFLICT', 'This context is in the library again under another packet.', {
              packetId: id,
            })
          }
          keep.run(id)
          return sum + restore.run(id).changes
        }, 0),
      )
      .immediate()
  }

  /** Forgets packets for good: rows, names, tags, and what was asked of them. Only gc calls this, in the same lock as it removes their blobs. */
  forget(packetIds: readonly Digest[]): void {
    this.#db
      .transaction(() => {
        for (const id of packetIds) {
          // What went on from an answer's state stays when that state has gone by itself.
          const isRetained = this.#db.prepare('SELECT 1 FROM retained WHERE packet_id = ?').get(id) !== undefined
          if (!isRetained) this.#db.prepare('DELETE FROM answers WHERE root_packet_id = ?').run(id)
          for (const table of [
            'packets',
            'names',
            'tags',
            'holds',
            'usage',
            'remote_packets',
            'remote_pushes',
            'spot_checks',
            'collection_members',
            'retained',
            'answers',
          ]) {
            this.#db.prepare(`DELETE FROM ${table} WHERE packet_id = ?`).run(id)
          }
          this.#db.prepare('DELETE FROM referrers WHERE subject = ?').run(id)
          this.#turns.forgetRoot(id)
        }
        this.#db.exec('DELETE FROM collections WHERE id NOT IN (SELECT collection_id FROM collection_members)')
      })
      .immediate()
  }

  #mustExist(packetId: Digest): PacketRow {
    const row = this.get(packetId)
    if (row === null)
      throw new StatePackError('E_NOT_FOUND', 'There is no such cartridge in the library.', { packetId })
    return row
  }
}

function packetRow(row: Row): PacketRow {
  return {
    packetId: parseDigest(row.packet_id),
    contextId: parseDigest(row.context_id),
    dtype: row.dtype,
    size: row.size,
    addedAt: row.added_at,
    trust: row.trust,
    verified: row.verified,
    pinned: row.pinned === 1,
    removedAt: row.removed_at,
  }
}
