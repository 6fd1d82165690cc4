/** By packet: uses, and when the last one was. */
const USES = '(coalesce(u.asks, 0) + 1.0)'
const USED = 'max(p.added_at, coalesce(u.used_at, 0))'
/** What makes a packet somebody's own. */
const OWNED = [
  'main.names WHERE packet_id = p.packet_id',
  'main.tags WHERE packet_id = p.packet_id',
  'main.collection_members WHERE packet_id = p.packet_id',
  'main.turns WHERE root_packet_id = p.packet_id',
  'main.turns WHERE new_packet_id = p.packet_id',
  'main.conversations c, json_each(c.slots) s WHERE s.value = p.packet_id',
]

/** A packet that may be given up, and the bytes of it. */
export interface LooseRow {
  readonly packet_id: string
  readonly bytes: number
}

/**
 * Packets of `from` (its conditions and its rows' `packet_id`) that nobody has made their own, nor anything in `unless`. Only
 * what was not used since `@before`; what is worth least at `@now` first, by the rule of the tiers of memory.
 */
export function looseSql({ from, where, unless }: { from: string; where: string; unless: string }): string {
  return `SELECT p.packet_id, i.bytes FROM main.packets p JOIN ${from} r USING (packet_id)
    JOIN idx.packets i USING (packet_id) LEFT JOIN main.usage u USING (packet_id)
    WHERE ${where} AND p.removed_at IS NULL AND p.pinned = 0 AND ${USED} <= @before
    AND ${unlessOwned([unless])}
    ORDER BY ${USES} * ${USES} * i.tokens * i.tokens / (1.0 * i.bytes * i.bytes) / max(@now - p.added_at, 1) / max(@now - ${USED}, 1)`
}

/** That nobody has made the packet `p` their own, and that there is nothing in any of `unless`. */
export function unlessOwned(unless: readonly string[]): string {
  return [...OWNED, ...unless].map(rows => `NOT EXISTS (SELECT 1 FROM ${rows})`).join('\n    AND ')
}
