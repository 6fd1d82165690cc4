import { z } from 'zod'
import { type Turn, turnSchema } from '#shared/rpc/methods/turn.ts'
import type { TurnRow } from '../store/library/turnRows.ts'
import type { Store } from '../store/store.ts'

/** What the row of a turn does not hold in columns of its own. */
const detailSchema = z.object({
  ...turnSchema.pick({ delta: true, outputTokenIds: true, without: true, fromPacketId: true, tokens: true }).shape,
  ...turnSchema.pick({ seconds: true, finishReason: true }).shape,
  // Turns of before have none of these.
  stopTokenId: turnSchema.shape.stopTokenId.default(null),
  model: turnSchema.shape.model.default(null),
  traced: turnSchema.shape.traced.default(false),
  routed: turnSchema.shape.routed.default(null),
})
export type TurnDetail = z.input<typeof detailSchema>

/** A turn as callers see it; null for one whose details cannot be read. */
export function turnView({ library }: Pick<Store, 'library'>, row: TurnRow): Turn | null {
  const detail = detailSchema.safeParse(row.detail).data
  if (detail === undefined) return null
  const { newPacketId, at, detail: _, ...rest } = row
  const stored = newPacketId === null ? null : library.packets.get(newPacketId)
  return {
    ...{ ...rest, ...detail, packetId: newPacketId, at: new Date(at).toISOString() },
    stateKept: stored !== null && stored.removedAt === null,
  }
}
