import type { Output } from '#shared/rpc/client.ts'
import { compareLogits } from '../inference/compareStates.ts'
import { generate } from '../inference/generate.ts'
import { phraseQuestion } from '../library/phraseQuestion.ts'
import { tokenizerOf } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import { splitDelta } from './growState.ts'
import { mixedState, openParents, type WeightedRef } from './mixPackets.ts'
import type { OpenedState } from './openState.ts'
import { readDocuments } from './packet.ts'

const ANSWER_TOKENS = 32

/**
 * What a mix that is not stored would answer, and how faithful it is: for each parent, how many of its own answers are kept;
 * and the divergence (nats) of its next-token distributions from those of a state that read the parents' texts one after
 * the other. Nothing is written.
 */
export async function previewMix(
  context: PacketContext,
  { parents, questions }: { parents: readonly WeightedRef[]; questions: readonly string[] },
  call: Call = {},
): Promise<Output<'remix.preview'>> {
  const opened = await openParents(context, parents, call)
  const { state } = mixedState(opened)
  const exact = await readTogether(
    context,
    opened.map(({ base }) => base),
    call,
  )
  const answers: Output<'remix.preview'>['answers'] = []
  const divergences: number[] = []
  for (const [index, question] of questions.entries()) {
    call.progress?.({ phase: 'asking', done: index, total: questions.length, unit: 'items' })
    const mixed = await answer(state, question, call)
    const parentAnswers = await Promise.all(opened.map(({ base }) => answer(base, question, call)))
    if (exact !== null)
      divergences.push(compareLogits((await answer(exact, question, call)).logits, mixed.logits).klBits * Math.LN2)
    const kept = parentAnswers.some(({ text }) => text === mixed.text && !isRefusal(text))
    answers.push({ question, answer: mixed.text, parentAnswers: parentAnswers.map(({ text }) => text), kept })
  }
  return {
    answers,
    kept: opened.map(({ packet }, parent) => {
      // A parent's own answers: the questions it does not refuse.
      const own = answers.filter(({ parentAnswers }) => !isRefusal(parentAnswers[parent] ?? ''))
      return {
        packetId: packet.packetId,
        kept: own.filter(row => row.answer === row.parentAnswers[parent]).length,
        asked: own.length,
      }
    }),
    kl: divergences.length === 0 ? null : divergences.reduce((sum, kl) => sum + kl, 0) / divergences.length,
  }
}

function isRefusal(answer: string): boolean {
  return /^I don't know\.?$/.test(answer)
}

/** Greedy answer of a state to a question, on a session of its own; `logits` are those before its first word. */
async function answer(
  state: OpenedState,
  question: string,
  call: Call,
): Promise<{ text: string; logits: Float32Array }> {
  const { model, runtime } = state.loaded
  const tokenizer = tokenizerOf(model)
  const text = phraseQuestion(model, { question, before: { text: 'x\n', generated: false } })
  const split = splitDelta(state, text, 'exact')
  using session = await runtime.restore(state.snapshot)
  const logits = await session.append([...split.prefix, ...split.fold, ...split.tailTokens], { signal: call.signal })
  const { ids } = await generate(session, logits, {
    maxNewTokens: ANSWER_TOKENS,
    stopIds: model.eosTokenIds,
    signal: call.signal,
  })
  return { text: tokenizer.decode(ids, { skipSpecial: true }).trim(), logits }
}

/** A state that read the parents' texts one after the other; null when a parent does not carry its text. */
async function readTogether(
  context: PacketContext,
  bases: readonly OpenedState[],
  call: Call,
): Promise<OpenedState | null> {
  const texts: string[] = []
  for (const { packet } of bases) {
    const sources = packet === null ? [] : (await readDocuments(context.store.blobs, packet)).sources
    if (sources.length === 0) return null
    texts.push(sources.map(source => source.text).join(''))
  }
  const [first] = bases
  if (first === undefined) return null
  const { runtime, model } = first.loaded
  const tokenizer = tokenizerOf(model)
  const folded = tokenizer.fold(tokenizer.startRun(), texts.join(''))
  const tokens = Int32Array.from([...tokenizer.prefixIds, ...folded.tokens])
  if (model.contextLength !== null && tokens.length > model.contextLength) return null
  using session = runtime.newSession()
  const logits = await session.append(tokens, { signal: call.signal })
  return {
    ...first,
    tokens,
    tail: folded.tail,
    logits,
    snapshot: await session.capture(),
    segments: [{ kind: 'text', start: 0, end: tokens.length }],
  }
}
