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
  /** Words, each of which must be part of title, card, recipe, model, a name or a tag, or begin a word of the texts; case and accents don't count. */
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
  /** Matches of query and filters together. */
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
const FROM = `FROM main.packets l JOIN idx.packets i ON i.packet_id = l.packet_id
  LEFT JOIN main.usage u ON u.packet_id = l.packet_id
  LEFT JOIN main.spot_checks s ON s.packet_id = l.packet_id WHERE l.removed_at IS NULL`
const ORDER: Readonly<Record<PacketSort, string>> = {
  used: 'coalesce(u.used_at, l.added_at) DESC',
  created: 'l.rowid DESC',
  name: 'fold(name)',
  size: 'i.bytes DESC',
  tokens: 'i.tokens DESC',
}

/** Lists the packets of the library that have an index entry and are not deleted. */
export function listPackets(db: Database, query: PacketQuery): PacketList {
  // The text is searched once; counts and filters work on what it found.
  const found = findText(db, query)
  const tagged = tagsByPacket(db)
  const matches = found.filter(row => isMatch(row, query, tagged))
  const ids = matches.map(row => row.packet_id)
  const rows = db
    .prepare<[string, number, number], Row>(
      `SELECT l.packet_id, l.context_id, l.dtype, l.added_at, l.trust, l.verified, l.pinned, ${NAME} AS name, i.kind, i.model,
       i.architecture, i.weights_digest, i.tokens, i.bytes, u.used_at, s.recalled, s.checked,
       (SELECT count(*) FROM idx.parents p WHERE p.child = l.packet_id) AS parents
       ${FROM} AND l.packet_id IN (SELECT value FROM json_each(?))
       ORDER BY ${ORDER[query.sort ?? 'used']}, l.packet_id LIMIT ? OFFSET ?`,
    )
    .all(JSON.stringify(ids), query.limit ?? 100, query.offset ?? 0)
  return {
    items: rows.map(row => summary(row, tagged.get(row.packet_id) ?? [])),
    total: matches.length,
    facets: facets(found, query, tagged),
  }
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
      OR EXISTS (SELECT 1 FROM main.tags t WHERE t.packet_id = l.packet_id AND instr(fold(tag), ?)))`,
  )
  const values = words.map(foldText).flatMap(word => [word, beginning(word), word, word])
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
