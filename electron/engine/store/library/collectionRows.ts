/** Collections: cartridges that belong together, in their order. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'

export interface CollectionRow {
  readonly id: string
  readonly name: string
  /** The members that are in the library, at least two of them. Deleted ones keep their place until they are forgotten. */
  readonly packetIds: readonly Digest[]
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

interface CollectionChange {
  readonly name?: string | undefined
  readonly packetIds?: readonly Digest[] | undefined
}

interface Row {
  id: string
  name: string
  created_at: number
  /** JSON: packet_ids in their order. */
  members: string
}

/** With fewer than two members in the library it is none: what is left stands by itself until the others come back. */
const THERE = `SELECT c.id, c.name, c.created_at, json_group_array(m.packet_id ORDER BY m.place) AS members
  FROM collections c JOIN collection_members m ON m.collection_id = c.id
  JOIN packets p ON p.packet_id = m.packet_id AND p.removed_at IS NULL
  GROUP BY c.id HAVING count(*) > 1`

export class CollectionRows {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** By name. */
  list(): CollectionRow[] {
    return this.#db.prepare<[], Row>(`${THERE} ORDER BY c.name, c.created_at, c.id`).all().map(collectionRow)
  }

  /** null for none with this id that has two members. */
  find(id: string): CollectionRow | null {
    return this.list().find(row => row.id === id) ?? null
  }

  /** Throws `E_NOT_FOUND`. */
  get(id: string): CollectionRow {
    const row = this.find(id)
    if (row === null) throw new StatePackError('E_NOT_FOUND', 'There is no such collection in the library.', { id })
    return row
  }

  named(name: string): CollectionRow | null {
    return this.list().find(row => row.name === name) ?? null
  }

  /** The collection that a cartridge is in: at most one. */
  of(packetId: Digest): CollectionRow | null {
    return this.list().find(({ packetIds }) => packetIds.includes(packetId)) ?? null
  }

  /**
   * Makes a collection, or changes it; what is put into one leaves the one that it was in. Throws `E_CONFLICT` for a name that
   * another has, `E_NOT_FOUND` for a cartridge or a collection that is not there, `E_BAD_INPUT` for less than two members.
   */
  save(id: string, change: CollectionChange, at: number): CollectionRow {
    return this.#db.transaction(() => this.#save(id, change, at)).immediate()
  }

  /** Its members stay. Throws `E_NOT_FOUND`. */
  dissolve(id: string): CollectionRow {
    return this.#db
      .transaction(() => {
        const row = this.get(id)
        this.#db.prepare('DELETE FROM collection_members WHERE collection_id = ?').run(id)
        this.#db.prepare('DELETE FROM collections WHERE id = ?').run(id)
        return row
      })
      .immediate()
  }

  #save(id: string, { name, packetIds }: CollectionChange, at: number): CollectionRow {
    const before = this.find(id)
    const named = name ?? before?.name
    if (named === undefined) this.get(id)
    const owner = named === undefined ? null : this.named(named)
    if (owner !== null && owner.id !== id)
      throw new StatePackError('E_CONFLICT', `Another collection is called "${named}".`, { name: owner.name })
    this.#db
      .prepare(
        'INSERT INTO collections VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = coalesce(excluded.name, name)',
      )
      .run(id, named, at)
    if (packetIds !== undefined) this.#put(id, [...new Set(packetIds)])
    const after = this.find(id)
    if (after === null)
      throw new StatePackError('E_BAD_INPUT', 'A collection has at least two cartridges of the library.', { id })
    return after
  }

  #put(id: string, packetIds: readonly Digest[]): void {
    this.#db
      .prepare(
        `DELETE FROM collection_members WHERE collection_id = ?
         AND packet_id IN (SELECT packet_id FROM packets WHERE removed_at IS NULL)`,
      )
      .run(id)
    const isThere = this.#db.prepare<[string], unknown>(
      'SELECT 1 FROM packets WHERE packet_id = ? AND removed_at IS NULL',
    )
    const put = this.#db.prepare('INSERT OR REPLACE INTO collection_members VALUES (?, ?, ?)')
    for (const [place, packetId] of packetIds.entries()) {
      if (isThere.get(packetId) === undefined)
        throw new StatePackError('E_NOT_FOUND', 'There is no such cartridge in the library.', { packetId })
      put.run(packetId, id, place)
    }
    this.#db.exec('DELETE FROM collections WHERE id NOT IN (SELECT collection_id FROM collection_members)')
  }
}

function collectionRow({ id, name, created_at, members }: Row): CollectionRow {
  return { id, name, createdAt: created_at, packetIds: (JSON.parse(members) as string[]).map(parseDigest) }
}
