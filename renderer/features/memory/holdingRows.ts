import type { Output } from '#shared/rpc/client.ts'

/** What memory holds of one cartridge, over all tiers. */
export interface HoldingRow {
  readonly key: string
  readonly packetId: string | null
  readonly name: string
  readonly stored: boolean
  /** Bytes. */
  readonly hot: number
  readonly warm: number
  readonly uses: number
  readonly pinned: boolean
  readonly inUse: boolean
  /** Of the hottest tier that has some of it. */
  readonly reason: string
}

/** One row a cartridge, most bytes first. */
export function holdingRows(tiers: Output<'memory.status'>['tiers']): readonly HoldingRow[] {
  const rows = new Map<string, HoldingRow>()
  // From the hottest on.
  for (const { tier, holdings } of tiers) {
    for (const { packetId, name, stored, bytes, uses, pinned, inUse, reason } of holdings) {
      const key = packetId ?? name
      const before = rows.get(key)
      rows.set(key, {
        ...{ key, packetId, name, stored, hot: before?.hot ?? 0, warm: before?.warm ?? 0, [tier]: bytes },
        uses: Math.max(before?.uses ?? 0, uses),
        pinned: pinned || (before?.pinned ?? false),
        inUse: inUse || (before?.inUse ?? false),
        reason: before?.reason ?? reason,
      })
    }
  }
  return [...rows.values()].sort((a, b) => b.hot + b.warm - (a.hot + a.warm) || a.name.localeCompare(b.name))
}
