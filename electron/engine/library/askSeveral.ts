import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { MOST_EACH } from '#shared/domain/slots.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { CallContext } from '#shared/rpc/contract.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import { resolvePacketId } from '../packets/resolveRef.ts'
import { type Asked, answerTurn, assertOf, telling, turnOf } from './ask.ts'
import type { Conversing } from './conversations.ts'
import { suggest } from './suggest.ts'

/** States that a question is read into at most, to find whose it is. */
const MOST_COMPARED = 6

export interface AskSeveralInput extends Asked {
  readonly of: readonly { readonly ref: string; readonly parentId?: string | undefined }[]
  readonly asking: 'each' | 'route'
  readonly conversationId: string
  readonly previousId?: string | null | undefined
}

interface Target {
  readonly packetId: Digest
  /** The turn whose state it goes on from. */
  readonly parent: Turn | null
}

/**
 * Puts one question to several cartridges. Each answer is a turn of its own, with its own state and receipt; those after the
 * first stand beside it. One that cannot answer takes nothing from the others. Throws `E_NOT_FOUND` where the question is about
 * none of them, what asking the first of them throws where none answers, `E_BAD_INPUT` for more than can be read side by side.
 */
export async function askSeveral(
  context: Conversing,
  input: AskSeveralInput,
  call: Pick<CallContext<'ask.several'>, 'signal' | 'progress' | 'send'>,
): Promise<Output<'ask.several'>> {
  const { conversations } = context.store.library
  const { question, conversationId, asking } = input
  if (asking === 'each' && input.of.length > MOST_EACH)
    throw new StatePackError('E_BAD_INPUT', `At most ${MOST_EACH} cartridges answer side by side.`, { most: MOST_EACH })
  const targets: Target[] = await Promise.all(
    input.of.map(async ({ ref, parentId }) => ({
      packetId: await resolvePacketId(context, ref),
      parent: parentId === undefined ? null : turnOf(context, parentId),
    })),
  )
  const before = conversations.find(conversationId)
  const isBegun = before !== null && before.slots.length > 0
  const { headId } = conversations.save(
    conversationId,
    isBegun ? {} : { slots: targets.map(({ packetId }) => packetId) },
    Date.now(),
  )
  const previousId = input.previousId === undefined ? headId : input.previousId
  assertOf(context, conversationId, [previousId, ...targets.map(({ parent }) => parent?.id ?? null)])
  const done = context.answering(conversationId, { question, previousId, parentId: null })
  const steps: Turn[] = []
  const failed: { packetId: Digest; thrown: unknown }[] = []
  try {
    const route = asking === 'route' ? await routeTo(context, { question, targets }, call) : null
    for (const { packetId, parent } of route === null ? targets : [route.target]) {
      if (call.signal.aborted) break
      const place = { conversationId, previousId, parent, root: packetId, besideId: steps[0]?.id ?? null }
      try {
        const { step } = await answerTurn(context, input, {
          ...{ place: { ...place, model: null, system: '' }, call, routed: route?.routed ?? null },
          answering: telling(call, text => call.send({ packetId, text })),
        })
        steps.push(step)
        // Shown while the next one answers.
        context.conversed([conversationId])
      } catch (thrown) {
        failed.push({ packetId, thrown })
      }
    }
    if (steps.length === 0 && failed[0] !== undefined) throw failed[0].thrown
    return { steps, failed: failed.map(({ packetId, thrown }) => ({ packetId, error: toErrorValue(thrown) })) }
  } finally {
    done(steps.length > 0)
  }
}

/** The one that a question is about, and why. */
async function routeTo(
  context: Conversing,
  { question, targets }: { readonly question: string; readonly targets: readonly Target[] },
  call: Pick<CallContext<'ask.several'>, 'signal' | 'progress'>,
): Promise<{ target: Target; routed: Turn['routed'] }> {
  const among = targets.map(({ packetId }) => packetId)
  const { chosen, candidates, tokensProcessed } = await suggest(
    context,
    { question, among, limit: MOST_COMPARED },
    call,
  )
  const target = targets.find(({ packetId }) => packetId === chosen)
  const [best, ...others] = candidates.map(({ cartridge, accountsFor }) => ({
    ...{ packetId: cartridge.packetId, name: cartridge.name, accountsFor },
  }))
  if (target === undefined || best === undefined)
    throw new StatePackError('E_NOT_FOUND', 'None of these cartridges is about this question.', {
      ...{ among: targets.length, nearest: best?.packetId ?? null, name: best?.name ?? null },
      accountsFor: best?.accountsFor ?? 0,
    })
  return { target, routed: { accountsFor: best.accountsFor, among: targets.length, others, tokensProcessed } }
}
