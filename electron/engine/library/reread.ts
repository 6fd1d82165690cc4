import { StatePackError } from '#shared/domain/error.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import type { Call } from '../packets/context.ts'
import { inferPacket } from '../packets/inferPacket.ts'
import { turnOf } from './ask.ts'
import type { Conversing } from './conversations.ts'

/**
 * Reads a conversation again up to a turn: every question and every answer as they were, from the last state that is still
 * stored, else from the cartridge. Nothing is written anew. Throws what {@link inferPacket} throws; `E_NOT_FOUND` when the
 * cartridge is gone, too.
 */
export async function reread(
  context: Conversing,
  turnId: string,
  call: Call,
): Promise<{ turn: Turn; tokensProcessed: number }> {
  const { library } = context.store
  const missing: Turn[] = []
  for (let id: string | null = turnId; id !== null; ) {
    const turn = turnOf(context, id)
    if (turn.stateKept) break
    missing.unshift(turn)
    id = turn.parentId
  }
  let tokensProcessed = 0
  for (const { id, parentId, rootPacketId, question, outputTokenIds, stopTokenId, model, conversationId } of missing) {
    const from = parentId === null ? rootPacketId : turnOf(context, parentId).packetId
    const { system } = library.conversations.get(conversationId)
    const answer = await inferPacket(
      context,
      {
        ...(from === null
          ? { model: model ?? undefined, dtype: 'float32' as const, ...(system === '' ? {} : { system }) }
          : { ref: from }),
        ...{ delta: question, chat: true, keepOutput: true, reuse: false },
        answer: { ids: outputTokenIds, stopId: stopTokenId },
      },
      call,
    )
    const row = library.turns.get(id)
    if (row === null) throw new StatePackError('E_NOT_FOUND', 'The conversation was deleted meanwhile.', { turn: id })
    const detail = { ...(row.detail as object), fromPacketId: from }
    library.turns.change(id, { newPacketId: answer.newPacketId, detail })
    tokensProcessed += answer.tokens.processed
    context.conversed([conversationId])
  }
  return { turn: turnOf(context, turnId), tokensProcessed }
}
