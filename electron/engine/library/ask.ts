import { randomUUID } from 'node:crypto'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CallContext } from '#shared/rpc/contract.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { sameModel } from '../packets/contextId.ts'
import { type InferInput, inferPacket } from '../packets/inferPacket.ts'
import { readPacket } from '../packets/packet.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import type { TurnRow } from '../store/library/turnRows.ts'
import type { Conversing } from './conversations.ts'
import { type TurnDetail, turnView } from './turnView.ts'

export interface AskInput {
  /** The cartridge in the slot; absent when it was ejected. */
  readonly ref?: string | undefined
  readonly model?: string | undefined
  readonly conversationId?: string | undefined
  /** The turn that it is put below; null: at the beginning. */
  readonly previousId?: string | null | undefined
  /** Continue after this turn instead of from the cartridge itself. */
  readonly parentId?: string | undefined
  readonly question: string
  readonly maxNewTokens: number
  readonly sampling?: InferInput['sampling']
  /** Also ask the bare model. */
  readonly compare: boolean
  /** Go on although the model was edited, when no number of the state depends on it. */
  readonly acceptEdits?: boolean | undefined
  /** Record what the model expected at each position. */
  readonly trace?: boolean
}

/** What `ask.ask` is given besides its input. */
type Asking = Pick<CallContext<'ask.ask'>, 'signal' | 'progress' | 'send'>

/**
 * Asks in the way a model was made for, keeps question and answer in the state, and enters the turn in its conversation: a
 * point one can rewind to or branch from. The question stands in the conversation until it has an answer, whatever happens;
 * one that is stopped is kept as far as it came. Throws what {@link inferPacket} throws, `E_NOT_FOUND`, `E_CONFLICT`.
 */
export async function ask(context: Conversing, input: AskInput, call: Asking): Promise<Output<'ask.ask'>> {
  const { library } = context.store
  const { question, parentId = null } = input
  const parent = parentId === null ? null : turnOf(context, parentId)
  const root = input.ref === undefined ? null : await resolvePacketId(context, input.ref)
  const conversationId = input.conversationId ?? parent?.conversationId ?? randomUUID()
  const model = input.model ?? null
  const { headId, system } = library.conversations.save(
    conversationId,
    { packetId: root, ...(root === null && model !== null ? { model } : {}) },
    Date.now(),
  )
  const previousId = input.previousId === undefined ? (parentId ?? headId) : input.previousId
  for (const id of [previousId, parentId])
    if (id !== null && turnOf(context, id).conversationId !== conversationId)
      throw new StatePackError('E_CONFLICT', 'This turn belongs to another conversation.', { turn: id })

  const done = context.answering(conversationId, { question, previousId, parentId })
  let isAnswered = false
  try {
    const from = parent === null ? root : stateAfter(parent)
    const of = root === null ? 'without' : 'with'
    const answer = await inferPacket(
      context,
      {
        ...(from === null
          ? { ...bare(model), ...(system === '' ? {} : { system }) }
          : { ref: from, model: input.model }),
        ...{ delta: question, chat: true, maxNewTokens: input.maxNewTokens, sampling: input.sampling },
        ...{ acceptEdits: input.acceptEdits, trace: input.trace ?? false },
        ...{ keepOutput: true, keepStopped: true },
        // Where nothing can be written one can still ask; the answer is not kept.
        persist: context.store.readOnly ? 'memory' : 'durable',
      },
      { ...call, answering: telling(call, of) },
    )
    const without =
      input.compare && root !== null && !call.signal.aborted
        ? await askWithout(context, { ...input, model: await modelOf(context, input.model, root) }, call)
        : null
    const row: TurnRow = {
      ...{ id: randomUUID(), conversationId, previousId, parentId, rootPacketId: root, question },
      ...{ answer: answer.output.trim(), newPacketId: answer.newPacketId, at: Date.now() },
      receiptId: answer.receipt.receipt_id,
      detail: detailOf(answer, { without, from, traced: input.trace === true && answer.newPacketId !== null }),
    }
    library.turns.add(row)
    isAnswered = true
    const step = turnView(context.store, row) ?? unread()
    return root === null ? { step, with: null, without: answer } : { step, with: answer, without }
  } finally {
    done(isAnswered)
  }
}

/** Puts the question of a turn to the bare model, and keeps the answer with the turn. */
export async function ejectAndAsk(
  context: Conversing,
  input: { turnId: string; maxNewTokens: number; sampling?: InferInput['sampling'] },
  call: Asking,
): Promise<Turn> {
  const turn = turnOf(context, input.turnId)
  if (turn.rootPacketId === null)
    throw new StatePackError('E_BAD_INPUT', 'This was asked without a cartridge already.', { turn: turn.id })
  const model = turn.model ?? (await modelOf(context, undefined, turn.rootPacketId))
  const without = await askWithout(context, { ...input, question: turn.question, model }, call)
  const row = context.store.library.turns.get(turn.id) ?? unread()
  const detail = { ...(row.detail as TurnDetail), without: withoutOf(without) }
  context.store.library.turns.change(turn.id, { newPacketId: row.newPacketId, detail })
  context.conversed([turn.conversationId])
  return turnOf(context, turn.id)
}

/** Names the state after a turn, so that it stands in the library. */
export function keepStep(context: PacketContext, stepId: string, name: string): Digest {
  const packetId = stateAfter(turnOf(context, stepId))
  context.store.library.packets.addName(packetId, name, Date.now())
  context.store.touchIndexFile()
  context.changed([packetId])
  return packetId
}

/** What a cartridge was asked, oldest first. */
export function askedOf({ store }: Pick<PacketContext, 'store'>, packetId: Digest): Turn[] {
  return store.library.turns.asking(packetId).flatMap(row => turnView(store, row) ?? [])
}

/** A turn by its id. Throws `E_NOT_FOUND`. */
export function turnOf({ store }: Pick<PacketContext, 'store'>, id: string): Turn {
  const row = store.library.turns.get(id)
  const turn = row === null ? null : turnView(store, row)
  if (turn === null) throw new StatePackError('E_NOT_FOUND', 'This turn is in no conversation.', { turn: id })
  return turn
}

function stateAfter({ id, packetId, stateKept }: Turn): Digest {
  if (packetId !== null && stateKept) return packetId
  throw new StatePackError(
    'E_NOT_FOUND',
    'The state after this answer is no longer stored. Read the conversation again up to it, or ask the cartridge afresh.',
    { turn: id },
  )
}

function bare(model: string | null): Pick<InferInput, 'model' | 'dtype' | 'reuse'> {
  if (model === null) throw new StatePackError('E_BAD_INPUT', 'Say which model to ask without a cartridge.')
  // Exact, so that later questions may go on from it.
  return { model, dtype: 'float32', reuse: false }
}

async function askWithout(
  context: PacketContext,
  {
    question,
    maxNewTokens,
    sampling,
    model,
  }: Pick<AskInput, 'question' | 'maxNewTokens' | 'sampling'> & { model: string },
  call: Asking,
): Promise<InferResult> {
  const { reuse } = bare(model)
  const options = { model, delta: question, chat: true, maxNewTokens, sampling, reuse, persist: 'memory' } as const
  // Its rate is not the cartridge's.
  const progress: Call['progress'] = report => call.progress({ ...report, rate: undefined })
  return inferPacket(context, options, {
    signal: call.signal,
    progress,
    answering: text => call.send({ of: 'without', text }),
  })
}

/** Whoever stopped an answer does not read on, and has what came until then. */
function telling({ send, signal }: Asking, of: 'with' | 'without'): Call['answering'] {
  return text =>
    send({ of, text }).catch(error => {
      if (!signal.aborted) throw error
    })
}

async function modelOf(context: PacketContext, model: string | undefined, packetId: Digest): Promise<string> {
  if (model !== undefined) return model
  const { config } = await readPacket(context.blobs, packetId)
  return (await context.models.forFingerprint(config.model, sameModel)).id
}

function withoutOf(answer: InferResult | null): TurnDetail['without'] {
  if (answer === null) return null
  return { answer: answer.output.trim(), tokens: answer.tokens.processed, seconds: answer.seconds.total }
}

function detailOf(
  answer: InferResult,
  { without, from, traced }: { without: InferResult | null; from: Digest | null; traced: boolean },
): TurnDetail {
  const { delta, outputTokenIds, stopTokenId, tokens, finishReason, model } = answer
  return {
    ...{ delta, outputTokenIds, stopTokenId, tokens, finishReason, model },
    ...{ without: withoutOf(without), fromPacketId: from, seconds: answer.seconds.total, traced },
  }
}

function unread(): never {
  throw new StatePackError('E_INTERNAL', 'A turn was entered that cannot be read.')
}
