import { isRefusal } from '#shared/domain/answers.ts'
import type { Output } from '#shared/rpc/client.ts'
import { compareLogits } from '../inference/compareStates.ts'
import type { Call, PacketContext } from './context.ts'
import { mixedState, openParents, type WeightedRef } from './mixPackets.ts'
import type { OpenedState } from './openState.ts'
import { readDocuments } from './packet.ts'
import { answerUnstored, readUnstored } from './unstored.ts'

/**
 * What a mix that is not stored would answer, and how faithful it is: for each parent, how many of its own answers are kept;
 * and the divergence (bits) of its next-token distributions from those of a state that read the parents' texts one after
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
    const mixed = await answerUnstored(state, question, call)
    const parentAnswers = await Promise.all(opened.map(({ base }) => answerUnstored(base, question, call)))
    if (exact !== null)
      divergences.push(compareLogits((await answerUnstored(exact, question, call)).logits, mixed.logits).klBits)
    answers.push({
      question,
      answer: mixed.text,
      parents: parentAnswers.map(({ text }) => ({ answer: text, kept: text === mixed.text && !isRefusal(text) })),
    })
  }
  return {
    answers,
    kept: opened.map(({ packet }, parent) => {
      // A parent's own answers: the questions it does not refuse.
      const own = answers.flatMap(row => row.parents[parent] ?? []).filter(({ answer }) => !isRefusal(answer))
      return { packetId: packet.packetId, kept: own.filter(({ kept }) => kept).length, asked: own.length }
    }),
    kl: divergences.length === 0 ? null : divergences.reduce((sum, kl) => sum + kl, 0) / divergences.length,
  }
}

/** A state that read the parents' texts one after the other; null when a parent does not carry its text. */
async function readTogether(
  context: PacketContext,
  bases: readonly OpenedState[],
  call: Call,
): Promise<OpenedState | null> {
  const texts: string[] = []
  for (const { packet } of bases) {
    const sources = packet === null ? [] : (await readDocuments(context.blobs, packet)).sources
    if (sources.length === 0 || packet?.config.origin.kind !== 'tokens') return null
    texts.push(sources.map(source => source.text).join(''))
  }
  const [first] = bases
  return first === undefined ? null : readUnstored(first.loaded, texts.join(''), call)
}
