import { z } from 'zod'
import { digestSchema, stateDtypeSchema } from '#shared/domain/cartridge.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'

/** `state_hash` of a request: a content address with or without `sha256:`, or a name. */
export const stateHashSchema = z.string().min(1).max(300)

/** `exact`: the tokens of the whole text. `concat`: each text's own, as State Pack v0.1 counted. */
export const seamSchema = z.enum(['exact', 'concat']).default('exact')

export const keywordsSchema = z.array(z.string().trim().min(1).max(60)).max(50)

/** What identifies a state in a response. */
export const stateFields = {
  /** Send this to go on from the state. */
  state_hash: digestSchema,
  packet_id: digestSchema,
  context_id: digestSchema,
  tokens: z.number().int(),
  bytes: z.number().int(),
  model: z.string(),
  dtype: stateDtypeSchema,
}

/**
 * The hash by which a state is gone on from. An exact state is what it has read, so that it has the same hash however it
 * came about; one that was rounded goes by its bytes, which decide what follows.
 */
export function stateHash({
  dtype,
  packetId,
  contextId,
}: Pick<CartridgeSummary, 'dtype' | 'contextId' | 'packetId'>): CartridgeSummary['packetId'] {
  return dtype === 'float32' ? contextId : packetId
}

export function stateView(cartridge: CartridgeSummary) {
  const { packetId, contextId, tokens, bytes, model, dtype } = cartridge
  const ids = { packet_id: packetId, context_id: contextId }
  return { state_hash: stateHash(cartridge), ...ids, tokens, bytes, model: model.name, dtype }
}
