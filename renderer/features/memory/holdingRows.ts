import type { Output } from '#shared/rpc/client.ts'

/** What the tiers hold of one cartridge. */
export interface HoldingRow {
  readonly key: string
  readonly packetId: string | null
  readonly name: string
  readonly stored: boolean
  /** Bytes. */
  readonly hot: number
  readonly warm: number
  readonly cold: number
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
        ...{ key, packetId, name, stored, hot: before?.hot ?? 0, warm: before?.warm ?? 0 },
        ...{ cold: before?.cold ?? 0, [tier]: bytes },
        uses: Math.max(before?.uses ?? 0, uses),
        pinned: pinned || (before?.pinned ?? false),
        inUse: inUse || (before?.inUse ?? false),
        reason: before?.reason ?? reason,
      })
    }
  }
  const bytesOf = ({ hot, warm, cold }: HoldingRow) => hot + warm + cold
  return [...rows.values()].sort((a, b) => bytesOf(b) - bytesOf(a) || a.name.localeCompare(b.name))
}
