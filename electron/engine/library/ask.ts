import { randomUUID } from 'node:crypto'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CallContext } from '#shared/rpc/contract.ts'
import { type AskStep, askStepSchema } from '#shared/rpc/methods/ask.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { sameModel } from '../packets/contextId.ts'
import { type InferInput, inferPacket } from '../packets/inferPacket.ts'
import { readPacket } from '../packets/packet.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'

export interface AskInput {
  /** The cartridge in the slot; absent when it was ejected. */
  readonly ref?: string | undefined
  readonly model?: string | undefined
  /** Continue after this step instead of from the cartridge itself. */
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
 * Asks a cartridge in the way its model was made for, keeps question and answer in the state, and remembers the step: a
 * point one can rewind to or branch from. Throws what {@link inferPacket} throws.
 */
export async function ask(
  context: PacketContext,
  input: AskInput,
  { send, ...call }: Asking,
): Promise<Output<'ask.ask'>> {
  if (input.ref === undefined) {
    const without = await askWithout(context, { ...input, model: input.model ?? '' }, { ...call, send })
    return { step: null, with: null, without }
  }
  const answering = (text: string) => send({ of: 'with', text })
  const root = await resolvePacketId(context, input.ref)
  const from = input.parentId === undefined ? root : stateAfter(context, input.parentId)
  const { question: delta, maxNewTokens, sampling, model, acceptEdits, trace = false } = input
  const options = { delta, chat: true, maxNewTokens, sampling, model, acceptEdits, trace }
  // Where nothing can be written one can still ask; the answer is not kept.
  const persist = context.store.readOnly ? 'memory' : 'durable'
  const asked = { ...options, ref: from, keepOutput: true, persist } as const
  const answer = await inferPacket(context, asked, { ...call, answering })
  const without = input.compare
    ? await askWithout(context, { ...input, model: await modelOf(context, input, from) }, { ...call, send })
    : null
  const step: AskStep = {
    id: randomUUID(),
    parentId: input.parentId ?? null,
    question: input.question,
    delta: answer.delta,
    answer: answer.output.trim(),
    outputTokenIds: answer.outputTokenIds,
    without:
      without === null
        ? null
        : { answer: without.output.trim(), tokens: without.tokens.processed, seconds: without.seconds.total },
    fromPacketId: from,
    packetId: answer.newPacketId,
    tokens: answer.tokens,
    seconds: answer.seconds.total,
    finishReason: answer.finishReason,
    receiptId: answer.receipt.receipt_id,
    traced: trace && answer.newPacketId !== null,
    at: new Date().toISOString(),
  }
  remember(context, root, step)
  return { step, with: answer, without }
}

async function askWithout(context: PacketContext, input: AskInput & { model: string }, { send, ...call }: Asking) {
  if (input.model === '') throw new StatePackError('E_BAD_INPUT', 'Say which model to ask without a cartridge.')
  const { model, question: delta, maxNewTokens, sampling } = input
  const options = { model, delta, chat: true, maxNewTokens, sampling }
  const answering = (text: string) => send({ of: 'without', text })
  // Its rate is not the cartridge's.
  const progress: Call['progress'] = report => call.progress?.({ ...report, rate: undefined })
  return inferPacket(context, { ...options, persist: 'memory', reuse: false }, { ...call, progress, answering })
}

async function modelOf(context: PacketContext, { model }: AskInput, packetId: Digest): Promise<string> {
  if (model !== undefined) return model
  const { config } = await readPacket(context.blobs, packetId)
  return (await context.models.forFingerprint(config.model, sameModel)).id
}

/** Every step ever taken from a cartridge, oldest first. */
export function askHistory({ store }: Pick<PacketContext, 'store'>, root: Digest): AskStep[] {
  return store.library.asks.ofRoot(root).flatMap(({ detail }) => askStepSchema.safeParse(detail).data ?? [])
}

/** Names the state after a step, so that it stands in the library. */
export function keepStep(context: PacketContext, stepId: string, name: string): Digest {
  const packetId = stateAfter(context, stepId)
  context.store.library.packets.addName(packetId, name, Date.now())
  context.store.touchIndexFile()
  context.changed([packetId])
  return packetId
}

function stateAfter({ store }: Pick<PacketContext, 'store'>, stepId: string): Digest {
  const packetId = store.library.asks.get(stepId)?.newPacketId
  if (packetId) return packetId
  throw new StatePackError('E_NOT_FOUND', 'This step is not in the history, or its state was not kept.', {
    step: stepId,
  })
}

function remember({ store }: Pick<PacketContext, 'store'>, rootPacketId: Digest, step: AskStep): void {
  const { id, parentId, question, answer, packetId, receiptId, at } = step
  store.library.asks.add({
    ...{ id, parentId, rootPacketId, question, answer, receiptId },
    newPacketId: packetId,
    at: Date.parse(at),
    detail: step,
  })
}
