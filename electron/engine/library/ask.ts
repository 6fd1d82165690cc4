import { randomUUID } from 'node:crypto'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CallContext } from '#shared/rpc/contract.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { sameModel } from '../packets/contextId.ts'
import type { InferInput } from '../packets/inferInput.ts'
import { inferPacket } from '../packets/inferPacket.ts'
import { readPacket } from '../packets/packet.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import type { TurnRow } from '../store/library/turnRows.ts'
import type { Conversing } from './conversations.ts'
import { type TurnDetail, turnView } from './turnView.ts'

/** How a question is put, to whomever. */
export interface Asked {
  readonly question: string
  readonly maxNewTokens: number
  readonly sampling?: InferInput['sampling']
  /** Go on although the model was edited, when no number of the state depends on it. */
  readonly acceptEdits?: boolean | undefined
  /** Record what the model expected at each position. */
  readonly trace?: boolean
}

export interface AskInput extends Asked {
  /** The cartridge in the slot; absent when it was ejected. */
  readonly ref?: string | undefined
  readonly model?: string | undefined
  readonly conversationId?: string | undefined
  /** The turn that it is put below; null: at the beginning. */
  readonly previousId?: string | null | undefined
  /** Continue after this turn instead of from the cartridge itself. */
  readonly parentId?: string | undefined
  /** Also ask the bare model. */
  readonly compare: boolean
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
  const { question, parentId = null, model = null } = input
  const parent = parentId === null ? null : turnOf(context, parentId)
  const root = input.ref === undefined ? null : await resolvePacketId(context, input.ref)
  const conversationId = input.conversationId ?? parent?.conversationId ?? randomUUID()
  const { headId, system } = library.conversations.save(
    conversationId,
    { slots: root === null ? [] : [root], ...(root === null && model !== null ? { model } : {}) },
    Date.now(),
  )
  const previousId = input.previousId === undefined ? (parentId ?? headId) : input.previousId
  assertOf(context, conversationId, [previousId, parentId])
  const done = context.answering(conversationId, { question, previousId, parentId })
  let isAnswered = false
  try {
    const of = root === null ? 'without' : 'with'
    const place = { conversationId, previousId, besideId: null, parent, root, model, system }
    const { step, answer, without } = await answerTurn(context, input, {
      ...{ place, call, answering: telling(call, text => call.send({ of, text })) },
      without: () => (input.compare && root !== null ? askWithout(context, { ...input, model, root }, call) : null),
    })
    isAnswered = true
    return root === null ? { step, with: null, without: answer } : { step, with: answer, without }
  } finally {
    done(isAnswered)
  }
}

/** Where a turn stands, and what it goes on from. */
export interface Place {
  readonly conversationId: string
  readonly previousId: string | null
  readonly besideId: string | null
  readonly parent: Turn | null
  /** null: the bare model. */
  readonly root: Digest | null
  readonly model: string | null
  readonly system: string
}

/** Asks, and enters question and answer as a turn; `without`: what else is to be asked before that. */
export async function answerTurn(
  context: Conversing,
  asked: Asked,
  {
    place: { parent, root, model, system, ...place },
    call,
    answering,
    without: askBeside = () => null,
    routed = null,
  }: {
    readonly place: Place
    readonly call: Pick<Asking, 'signal' | 'progress'>
    readonly answering: Call['answering']
    readonly without?: () => Promise<InferResult> | null
    readonly routed?: Turn['routed']
  },
): Promise<{ step: Turn; answer: InferResult; without: InferResult | null }> {
  const { question, trace = false } = asked
  const from = parent === null ? root : stateAfter(parent)
  const answer = await inferPacket(
    context,
    {
      ...(from === null
        ? { ...bare(model), ...(system === '' ? {} : { system }) }
        : { ref: from, model: model ?? undefined }),
      ...{ delta: question, chat: true, maxNewTokens: asked.maxNewTokens, sampling: asked.sampling },
      ...{ acceptEdits: asked.acceptEdits, trace, keepOutput: true, keepStopped: true },
      // Where nothing can be written one can still ask; the answer is not kept.
      persist: context.store.readOnly ? 'memory' : 'durable',
    },
    { ...call, answering },
  )
  const without = call.signal.aborted ? null : await askBeside()
  const row: TurnRow = {
    ...{ id: randomUUID(), ...place, parentId: parent?.id ?? null, rootPacketId: root, question },
    ...{ answer: answer.output.trim(), newPacketId: answer.newPacketId, at: Date.now() },
    receiptId: answer.receipt.receipt_id,
    detail: detailOf(answer, { without, from, routed, traced: trace && answer.newPacketId !== null }),
  }
  context.store.library.turns.add(row)
  return { step: turnView(context.store, row) ?? unread(), answer, without }
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
  const { question, model, rootPacketId: root } = turn
  const without = await askWithout(context, { ...input, question, model, root }, call)
  const row = context.store.library.turns.get(turn.id) ?? unread()
  const detail = { ...(row.detail as TurnDetail), without: withoutOf(without) }
  context.store.library.turns.change(turn.id, { newPacketId: row.newPacketId, detail })
  context.conversed([turn.conversationId])
  return turnOf(context, turn.id)
}

/** Names the state after a turn, so that it stands in the library. */
export function keepStep(context: PacketContext, stepId: string, name: string): Digest {
  const packetId = stateAfter(turnOf(context, stepId))
  context.store.library.packets.names.add(packetId, name, Date.now())
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

/** Throws `E_CONFLICT` for a turn of another conversation, `E_NOT_FOUND` for none. */
export function assertOf(
  context: Pick<PacketContext, 'store'>,
  conversationId: string,
  ids: readonly (string | null)[],
): void {
  for (const id of ids)
    if (id !== null && turnOf(context, id).conversationId !== conversationId)
      throw new StatePackError('E_CONFLICT', 'This turn belongs to another conversation.', { turn: id })
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
    model: named,
    root,
  }: Pick<Asked, 'question' | 'maxNewTokens' | 'sampling'> & { model: string | null; root: Digest },
  call: Asking,
): Promise<InferResult> {
  const model = named ?? (await modelOf(context, root))
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
export function telling({ signal }: Pick<Asking, 'signal'>, send: (text: string) => Promise<void>): Call['answering'] {
  return text =>
    send(text).catch(error => {
      if (!signal.aborted) throw error
    })
}

/** The installed model of a cartridge. */
async function modelOf(context: PacketContext, packetId: Digest): Promise<string> {
  const { config } = await readPacket(context.blobs, packetId)
  return (await context.models.forFingerprint(config.model, sameModel)).id
}

function withoutOf(answer: InferResult | null): TurnDetail['without'] {
  if (answer === null) return null
  return { answer: answer.output.trim(), tokens: answer.tokens.processed, seconds: answer.seconds.total }
}

function detailOf(
  answer: InferResult,
  { without, ...rest }: { without: InferResult | null; from: Digest | null; traced: boolean; routed: Turn['routed'] },
): TurnDetail {
  const { delta, outputTokenIds, stopTokenId, tokens, finishReason, model } = answer
  return {
    ...{ delta, outputTokenIds, stopTokenId, tokens, finishReason, model },
    ...{ without: withoutOf(without), fromPacketId: rest.from, seconds: answer.seconds.total },
    ...{ traced: rest.traced, routed: rest.routed },
  }
}

function unread(): never {
  throw new StatePackError('E_INTERNAL', 'A turn was entered that cannot be read.')
}
