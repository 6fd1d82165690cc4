/** The library view: text search, filters, sorting, a window of results, and counts for the filter bar. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import type { Trust } from '#shared/domain/trust.ts'
import type { VerifiedLevel } from '../library/packetRows.ts'
import type { SpotChecks } from '../library/spotCheckRows.ts'
import { foldText } from './foldText.ts'
import { wordsOf } from './wordsOf.ts'

export type PacketSort = 'used' | 'created' | 'name' | 'size' | 'tokens'

export interface PacketQuery {
  /** Words, each of which must be part of title, card, recipe, model, a name, a tag or the collection's name, or begin a word of the texts; case and accents don't count. */
  readonly query?: string
  readonly kind?: string
  /** What installed models have for weights, by id ({@link model} then means those, whatever the packet calls its model). */
  readonly weights?: ReadonlyMap<string, string>
  /** The id of an installed model, else the name that packets have for theirs. */
  readonly model?: string
  readonly tag?: string
  readonly trust?: Trust
  readonly verified?: VerifiedLevel
  /** This packet alone; facets then count it only. */
  readonly packetId?: Digest
  /** Only packets that somebody named: not the states between two questions. Facets then count these only, too. */
  readonly named?: boolean
  /** A collection is one item: its first packet that matches, placed by all of them together. */
  readonly stacked?: boolean
  readonly sort?: PacketSort
  readonly offset?: number
  readonly limit?: number
}

export interface PacketSummary {
  readonly packetId: Digest
  readonly contextId: Digest
  readonly dtype: string
  /** The name somebody gave it, else its title. */
  readonly name: string
  readonly kind: string
  readonly modelName: string
  readonly architecture: string
  readonly weightsDigest: string
  readonly tokens: number
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly usedAt: number | null
  readonly trust: Trust
  readonly verified: VerifiedLevel
  readonly pinned: boolean
  readonly tags: readonly string[]
  readonly parents: number
  /** null: never checked. */
  readonly spotChecks: SpotChecks | null
}

export interface PacketList {
  readonly items: readonly PacketSummary[]
  /** Matches of query and filters together, as items. */
  readonly total: number
  /** Counts over the matches of the text query alone, so that the filter bar does not change under the pointer. */
  readonly facets: {
    readonly all: number
    readonly kind: Readonly<Record<string, number>>
    readonly model: Readonly<Record<string, number>>
    readonly trust: Readonly<Record<string, number>>
    readonly verified: Readonly<Record<string, number>>
    readonly tag: Readonly<Record<string, number>>
  }
}

const NAME =
  'coalesce((SELECT name FROM main.names n WHERE n.packet_id = l.packet_id ORDER BY updated_at, name LIMIT 1), i.title)'
const NAMED = 'EXISTS (SELECT 1 FROM main.names n WHERE n.packet_id = l.packet_id)'
/** Which collection a packet is in, of those that have two members in the library. */
const STACKS = `SELECT m.packet_id, m.collection_id, m.place, c.name
  FROM main.collection_members m JOIN main.collections c ON c.id = m.collection_id
  WHERE m.collection_id IN (SELECT collection_id FROM main.collection_members JOIN main.packets USING (packet_id)
    WHERE removed_at IS NULL GROUP BY collection_id HAVING count(*) > 1)`
const FROM = `FROM main.packets l JOIN idx.packets i ON i.packet_id = l.packet_id
  LEFT JOIN main.usage u ON u.packet_id = l.packet_id
  LEFT JOIN main.spot_checks s ON s.packet_id = l.packet_id WHERE l.removed_at IS NULL`
/** By what packets are sorted, and what that is for several as one item. */
const ORDER: Readonly<Record<PacketSort, { key: string; together: 'max' | 'sum'; direction: '' | 'DESC' }>> = {
  used: { key: 'coalesce(u.used_at, l.added_at)', together: 'max', direction: 'DESC' },
  created: { key: 'l.rowid', together: 'max', direction: 'DESC' },
  name: { key: `fold(${NAME})`, together: 'max', direction: '' },
  size: { key: 'i.bytes', together: 'sum', direction: 'DESC' },
  tokens: { key: 'i.tokens', together: 'sum', direction: 'DESC' },
}

/** Lists the packets of the library that have an index entry and are not deleted. */
export function listPackets(db: Database, query: PacketQuery): PacketList {
  // The text is searched once; counts and filters work on what it found.
  const found = findText(db, query)
  const tagged = tagsByPacket(db)
  const matches = found.filter(row => isMatch(row, query, tagged))
  const ids = matches.map(row => row.packet_id)
  const page = sorted(db, ids, query)
  const rows = db
    .prepare<[string], Row>(
      `SELECT l.packet_id, l.context_id, l.dtype, l.added_at, l.trust, l.verified, l.pinned, ${NAME} AS name, i.kind, i.model,
       i.architecture, i.weights_digest, i.tokens, i.bytes, u.used_at, s.recalled, s.checked,
       (SELECT count(*) FROM idx.parents p WHERE p.child = l.packet_id) AS parents
       ${FROM} AND l.packet_id IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify(page))
    .toSorted((a, b) => page.indexOf(a.packet_id) - page.indexOf(b.packet_id))
  return {
    items: rows.map(row => summary(row, tagged.get(row.packet_id) ?? [])),
    total: query.stacked === true ? itemsOf(db, ids) : matches.length,
    facets: facets(found, query, tagged),
  }
}

/** A window of these packets, sorted; of a collection, where it is one item, the first of them. */
function sorted(db: Database, packetIds: readonly string[], query: PacketQuery): string[] {
  const { sort = 'used', stacked = false, limit = 100, offset = 0 } = query
  const { key, together, direction } = ORDER[sort]
  const item = 'coalesce(k.collection_id, l.packet_id)'
  const own = sort === 'name' ? `fold(coalesce(k.name, ${NAME}))` : key
  const sql = stacked
    ? `SELECT l.packet_id, ${together}(${own}) OVER (PARTITION BY ${item}) AS sort_key,
       row_number() OVER (PARTITION BY ${item} ORDER BY k.place) AS place`
    : `SELECT l.packet_id, ${key} AS sort_key, 1 AS place`
  return db
    .prepare<[string, number, number], { packet_id: string }>(
      `SELECT packet_id FROM (${sql} FROM main.packets l JOIN idx.packets i ON i.packet_id = l.packet_id
         LEFT JOIN main.usage u ON u.packet_id = l.packet_id
         ${stacked ? `LEFT JOIN (${STACKS}) k ON k.packet_id = l.packet_id` : ''}
         WHERE l.packet_id IN (SELECT value FROM json_each(?)))
       WHERE place = 1 ORDER BY sort_key ${direction}, packet_id LIMIT ? OFFSET ?`,
    )
    .all(JSON.stringify(packetIds), limit, offset)
    .map(row => row.packet_id)
}

/** How many items packets are where each collection is one. */
function itemsOf(db: Database, packetIds: readonly string[]): number {
  const collectionOf = new Map(
    db
      .prepare<[], { packet_id: string; collection_id: string }>(STACKS)
      .all()
      .map(row => [row.packet_id, row.collection_id]),
  )
  return new Set(packetIds.map(id => collectionOf.get(id) ?? id)).size
}

interface Found {
  readonly packet_id: string
  readonly kind: string
  readonly model: string
  readonly weights_digest: string
  readonly trust: string
  readonly verified: string
}

/** Packets that match every word, anywhere in a word: not every script puts spaces between its own. */
function findText(db: Database, { query = '', named, packetId }: PacketQuery): Found[] {
  const words = query.match(/[\p{L}\p{N}\p{M}]+/gu)?.slice(0, 16) ?? []
  const conditions = words.map(
    () => ` AND (instr(i.searched, ?) OR i.id IN (SELECT rowid FROM idx.words WHERE words MATCH ?) OR EXISTS (SELECT 1 FROM main.names n WHERE n.packet_id = l.packet_id AND instr(fold(name), ?))
      OR EXISTS (SELECT 1 FROM main.tags t WHERE t.packet_id = l.packet_id AND instr(fold(tag), ?))
      OR EXISTS (SELECT 1 FROM main.collection_members m JOIN main.collections c ON c.id = m.collection_id
        WHERE m.packet_id = l.packet_id AND instr(fold(c.name), ?)))`,
  )
  const values = words.map(foldText).flatMap(word => [word, beginning(word), word, word, word])
  if (named === true) conditions.push(` AND ${NAMED}`)
  if (packetId !== undefined) {
    conditions.push(' AND l.packet_id = ?')
    values.push(packetId)
  }
  const sql = `SELECT l.packet_id, i.kind, i.model, i.weights_digest, l.trust, l.verified ${FROM}${conditions.join('')}`
  return db.prepare<string[], Found>(sql).all(...values)
}

/** Texts that hold a word which begins like this, in FTS5's query language; what stands without spaces is several words. */
function beginning(word: string): string {
  const inner = wordsOf(word).map(part => part.word)
  return `"${(inner.length === 0 ? [word] : inner).join(' ')}" *`
}

function isMatch(row: Found, query: PacketQuery, tagged: ReadonlyMap<string, readonly string[]>): boolean {
  const { kind, model, trust, verified, tag } = query
  return (
    (kind === undefined || row.kind === kind) &&
    (model === undefined || isOf(row, model, query.weights)) &&
    (trust === undefined || row.trust === trust) &&
    (verified === undefined || row.verified === verified) &&
    (tag === undefined || (tagged.get(row.packet_id) ?? []).includes(tag))
  )
}

function isOf(row: Found, model: string, weights: PacketQuery['weights']): boolean {
  const digest = weights?.get(model)
  return digest === undefined ? row.model === model : row.weights_digest === digest
}

function tagsByPacket(db: Database): Map<string, string[]> {
  const tagged = new Map<string, string[]>()
  const sql = 'SELECT packet_id, tag FROM main.tags ORDER BY packet_id, tag'
  for (const { packet_id, tag } of db.prepare<[], { packet_id: string; tag: string }>(sql).all()) {
    const tags = tagged.get(packet_id)
    if (tags === undefined) tagged.set(packet_id, [tag])
    else tags.push(tag)
  }
  return tagged
}

function facets(
  found: readonly Found[],
  { weights }: PacketQuery,
  tagged: ReadonlyMap<string, readonly string[]>,
): PacketList['facets'] {
  // As many as choosing the name would show; a renamed model's are counted under both of its names.
  const names = new Set(found.map(row => row.model))
  for (const [id, digest] of weights ?? []) if (found.some(row => row.weights_digest === digest)) names.add(id)
  return {
    all: found.length,
    kind: tally(found.map(row => row.kind)),
    model: tally([...names].flatMap(name => found.filter(row => isOf(row, name, weights)).map(() => name))),
    trust: tally(found.map(row => row.trust)),
    verified: tally(found.map(row => row.verified)),
    tag: tally(found.flatMap(row => tagged.get(row.packet_id) ?? [])),
  }
}

function tally(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

interface Row {
  packet_id: string
  context_id: string
  dtype: string
  added_at: number
  trust: Trust
  verified: VerifiedLevel
  pinned: number
  name: string
  kind: string
  model: string
  architecture: string
  weights_digest: string
  tokens: number
  bytes: number
  used_at: number | null
  recalled: number | null
  checked: number | null
  parents: number
}

function summary(row: Row, tags: readonly string[]): PacketSummary {
  return {
    packetId: parseDigest(row.packet_id),
    contextId: parseDigest(row.context_id),
    dtype: row.dtype,
    name: row.name,
    kind: row.kind,
    modelName: row.model,
    architecture: row.architecture,
    weightsDigest: row.weights_digest,
    tokens: row.tokens,
    bytes: row.bytes,
    createdAt: row.added_at,
    usedAt: row.used_at,
    trust: row.trust,
    verified: row.verified,
    pinned: row.pinned === 1,
    tags,
    parents: row.parents,
    spotChecks: row.recalled === null || row.checked === null ? null : { recalled: row.recalled, checked: row.checked },
  }
}
