/** What the packets of a library are called: the first name that one was given is the one it is shown by. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { isName, normalName } from '#shared/domain/name.ts'

export class NameRows {
  readonly #db: Database
  readonly #mustExist: (packetId: Digest) => void

  /** `mustExist` throws for a packet that the library does not hold. */
  constructor(db: Database, mustExist: (packetId: Digest) => void) {
    this.#db = db
    this.#mustExist = mustExist
  }

  /** Gives a packet those of these names that it has not, whoever had them; within the caller's transaction. */
  give(packetId: Digest, names: readonly string[], at: number): void {
    const held = new Set(this.#namesOf(packetId).map(({ name }) => name))
    for (const name of names) if (!held.has(name)) this.#name(name, packetId, at)
  }

  /** Gives a packet one more name, after those it has; the name must be free (`E_CONFLICT`). */
  add(packetId: Digest, name: string, at: number): void {
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
  setOthers(packetId: Digest, names: readonly string[], at: number): void {
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

  /** What a packet is called, in the order in which the names were given; nothing where it was deleted. */
  of(packetId: Digest): string[] {
    const sql = `SELECT n.name FROM names n JOIN packets p USING (packet_id)
                 WHERE n.packet_id = ? AND p.removed_at IS NULL ORDER BY n.updated_at, n.name`
    const rows = this.#db.prepare<[string], { name: string }>(sql).all(packetId)
    return rows.map(({ name }) => name)
  }

  /** All names, by packet, in the order in which they were given: the first is the one it is shown by. */
  all(): Map<Digest, string[]> {
    const sql = `SELECT n.packet_id, n.name FROM names n JOIN packets p USING (packet_id)
                 WHERE p.removed_at IS NULL ORDER BY n.updated_at, n.name`
    const names = new Map<Digest, string[]>()
    for (const row of this.#db.prepare<[], { packet_id: string; name: string }>(sql).all()) {
      const packetId = parseDigest(row.packet_id)
      const own = names.get(packetId)
      if (own === undefined) names.set(packetId, [row.name])
      else own.push(row.name)
    }
    return names
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
}
