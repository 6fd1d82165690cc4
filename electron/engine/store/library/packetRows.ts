/** The packets a library holds, what they are called, and what people think of them. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { isName, normalName } from '#shared/domain/name.ts'
import type { Trust } from '#shared/domain/trust.ts'
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

  constructor(db: Database, turns: TurnRows) {
    this.#db = db
    this.#turns = turns
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
      const held = new Set(this.#namesOf(packetId).map(({ name }) => name))
      for (const name of row.names) if (!held.has(name)) this.#name(name, packetId, row.at)
      return { packetId, entered: winner === null && (known === null || known.removedAt !== null) }
    })
    return enter.immediate()
  }

  /** Gives a packet one more name, after those it has; the name must be free (`E_CONFLICT`). */
  addName(packetId: Digest, name: string, at: number): void {
    this.#db
      .transaction(() => {
        this.#mustExist(packetId)
        if (this.#isFree(name, packetId)) this.#name(name, packetId, at)
      })
      .immediate()
  }

  /** Replaces the first name of a packet, the one it is shown by; the new one must be free (`E_CONFLICT`). */
  rename(packetId: Digest, name: string, at: number): void {
    this.#db
      .transaction(() => {
        this.#mustExist(packetId)
        this.#isFree(name, packetId)
        const first = this.#namesOf(packetId)[0]
        if (first !== undefined) this.#db.prepare('DELETE FROM names WHERE name = ?').run(first.name)
        this.#name(name, packetId, first?.updated_at ?? at)
      })
      .immediate()
  }

  /** Takes every name but the first from a packet and gives it these instead; each must be free (`E_CONFLICT`). */
  setOtherNames(packetId: Digest, names: readonly string[], at: number): void {
    this.#db
      .transaction(() => {
        this.#mustExist(packetId)
        const [first, ...others] = this.#namesOf(packetId)
        for (const { name } of others) this.#db.prepare('DELETE FROM names WHERE name = ?').run(name)
        for (const [index, name] of names.entries())
          if (name !== first?.name && this.#isFree(name, packetId)) this.#name(name, packetId, at + 1 + index)
      })
      .immediate()
  }

  /** The packet with this name, or null. */
  named(name: string): Digest | null {
    const sql = 'SELECT packet_id FROM names JOIN packets USING (packet_id) WHERE name = ? AND removed_at IS NULL'
    const row = this.#db.prepare<[string], { packet_id: string }>(sql).get(normalName(name))
    return row === undefined ? null : parseDigest(row.packet_id)
  }

  /** All names, by packet, in the order in which they were given: the first is the one it is shown by. */
  names(): Map<Digest, string[]> {
    const sql = `SELECT n.packet_id, n.name FROM names n JOIN packets p USING (packet_id)
                 WHERE p.removed_at IS NULL ORDER BY n.updated_at, n.name`
    const names = new Map<Digest, string[]>()
    for (const row of this.#db.prepare<[], { packet_id: string; name: string }>(sql).all()) {
      const packetId = parseDigest(row.packet_id)
      names.set(packetId, [...(names.get(packetId) ?? []), row.name])
    }
    return names
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
          ]) {
            this.#db.prepare(`DELETE FROM ${table} WHERE packet_id = ?`).run(id)
          }
          this.#db.prepare('DELETE FROM referrers WHERE subject = ?').run(id)
          this.#db.prepare('DELETE FROM answers WHERE root_packet_id = ?').run(id)
          this.#turns.forgetRoot(id)
        }
        this.#db.exec('DELETE FROM collections WHERE id NOT IN (SELECT collection_id FROM collection_members)')
      })
      .immediate()
  }

  #name(name: string, packetId: Digest, at: number): void {
    if (!isName(name)) throw new StatePackError('E_BAD_INPUT', 'This cannot be the name of a cartridge.', { name })
    this.#db
      .prepare(
        `INSERT INTO names VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET packet_id = excluded.packet_id, updated_at = excluded.updated_at`,
      )
      .run(name, packetId, at)
  }

  #namesOf(packetId: Digest): { name: string; updated_at: number }[] {
    const sql = 'SELECT name, updated_at FROM names WHERE packet_id = ? ORDER BY updated_at, name'
    return this.#db.prepare<[string], { name: string; updated_at: number }>(sql).all(packetId)
  }

  /** False when the packet has the name already. Throws `E_CONFLICT` when another one has it. */
  #isFree(name: string, packetId: Digest): boolean {
    const owner = this.named(name)
    if (owner !== null && owner !== packetId)
      throw new StatePackError('E_CONFLICT', `Another cartridge is called "${name}".`, { name, packetId: owner })
    return owner === null
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
