/** The library view: text search, filters, sorting, a window of results, and counts for the filter bar. */
import type { Database } from 'better-sqlite3'
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import type { Trust, VerifiedLevel } from '../library/packetRows.ts'

export type PacketSort = 'used' | 'created' | 'name' | 'size' | 'tokens'

export interface PacketQuery {
  /** Words, each of which must begin a word of title, card, recipe or model, or be part of a name or tag. */
  readonly query?: string
  readonly kind?: string
  readonly model?: string
  readonly tag?: string
  readonly trust?: Trust
  readonly verified?: VerifiedLevel
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

const NAME = 'coalesce((SELECT min(name) FROM main.names n WHERE n.packet_id = l.packet_id), i.title)'
const NAMED = 'EXISTS (SELECT 1 FROM main.names n WHERE n.packet_id = l.packet_id)'
const FROM = `FROM main.packets l JOIN idx.packets i ON i.packet_id = l.packet_id
  LEFT JOIN idx.usage u ON u.packet_id = l.packet_id WHERE l.removed_at IS NULL`
const ORDER: Readonly<Record<PacketSort, string>> = {
  used: 'coalesce(u.used_at, l.added_at) DESC',
  created: 'l.added_at DESC',
  name: 'name COLLATE NOCASE',
  size: 'i.bytes DESC',
  tokens: 'i.tokens DESC',
}

/** Lists the packets of the library that have an index entry and are not deleted. */
export function listPackets(db: Database, query: PacketQuery): PacketList {
  const words = textCondition(query.query ?? '')
  const text = query.named ? { ...words, conditions: [...words.conditions, NAMED] } : words
  const conditions = [...text.conditions]
  const values: (string | number)[] = [...text.values]
  const filters = [
    ['i.kind = ?', query.kind],
    ['i.model = ?', query.model],
    ['l.trust = ?', query.trust],
    ['l.verified = ?', query.verified],
    ['l.packet_id = ?', query.packetId],
    ['l.packet_id IN (SELECT packet_id FROM main.tags WHERE tag = ?)', query.tag],
  ] as const
  for (const [condition, value] of filters) {
    if (value === undefined) continue
    conditions.push(condition)
    values.push(value)
  }
  const where = conditions.map(condition => ` AND ${condition}`).join('')
  const rows = db
    .prepare<unknown[], Row>(
      `SELECT l.packet_id, l.context_id, l.dtype, l.added_at, l.trust, l.verified, l.pinned, ${NAME} AS name, i.kind, i.model,
       i.architecture, i.weights_digest, i.tokens, i.bytes, u.used_at,
       (SELECT json_group_array(tag) FROM (SELECT tag FROM main.tags t WHERE t.packet_id = l.packet_id ORDER BY tag)) AS tags,
       (SELECT count(*) FROM idx.parents p WHERE p.child = l.packet_id) AS parents
       ${FROM}${where} ORDER BY ${ORDER[query.sort ?? 'used']}, l.packet_id LIMIT ? OFFSET ?`,
    )
    .all(...values, query.limit ?? 100, query.offset ?? 0)
  const total = db.prepare<unknown[], { n: number }>(`SELECT count(*) AS n ${FROM}${where}`).get(...values)?.n ?? 0
  return { items: rows.map(summary), total, facets: facets(db, text) }
}

interface TextCondition {
  readonly conditions: readonly string[]
  readonly values: readonly string[]
}

/** One condition a word. Words are letters and digits only, so nothing of the query language of FTS5 gets through. */
function textCondition(query: string): TextCondition {
  const words =
    query
      .normalize('NFC')
      .match(/[\p{L}\p{N}\p{M}]+/gu)
      ?.slice(0, 16) ?? []
  return {
    conditions: words.map(
      () => `(l.packet_id IN (SELECT packet_id FROM idx.packet_text WHERE packet_text MATCH ?)
        OR EXISTS (SELECT 1 FROM main.names n WHERE n.packet_id = l.packet_id AND instr(lower(n.name), ?))
        OR EXISTS (SELECT 1 FROM main.tags t WHERE t.packet_id = l.packet_id AND instr(lower(t.tag), ?)))`,
    ),
    values: words.flatMap(word => [`"${word}"*`, word.toLowerCase(), word.toLowerCase()]),
  }
}

function facets(db: Database, text: TextCondition): PacketList['facets'] {
  const where = text.conditions.map(condition => ` AND ${condition}`).join('')
  // The text is searched once, not once for every facet.
  const sql = `SELECT l.packet_id, i.kind, i.model, l.trust, l.verified ${FROM}${where}`
  const rows = db
    .prepare<unknown[], { packet_id: string; kind: string; model: string; trust: string; verified: string }>(sql)
    .all(...text.values)
  const tags = new Map<string, string[]>()
  for (const { packet_id, tag } of db
    .prepare<[], { packet_id: string; tag: string }>('SELECT * FROM main.tags')
    .all()) {
    tags.set(packet_id, [...(tags.get(packet_id) ?? []), tag])
  }
  return {
    all: rows.length,
    kind: tally(rows.map(row => row.kind)),
    model: tally(rows.map(row => row.model)),
    trust: tally(rows.map(row => row.trust)),
    verified: tally(rows.map(row => row.verified)),
    tag: tally(rows.flatMap(row => tags.get(row.packet_id) ?? [])),
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
  tags: string
  parents: number
}

function summary(row: Row): PacketSummary {
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
    tags: JSON.parse(row.tags) as string[],
    parents: row.parents,
  }
}
