import { holdsAnswer, isRefusal } from '#shared/domain/answers.ts'
import type { Output } from '#shared/rpc/client.ts'
import { compareLogits } from '../inference/compareStates.ts'
import { wordsOf } from '../store/search/wordsOf.ts'
import type { Call, PacketContext } from './context.ts'
import { mixedState, openParents, type WeightedRef } from './mixPackets.ts'
import type { OpenedState } from './openState.ts'
import { type Packet, readDocuments } from './packet.ts'
import { answerUnstored, readUnstored } from './unstored.ts'

/**
 * What a mix that is not stored would answer, and how faithful it is: for each parent, how many of its right answers are kept
 * (to questions that are about it, and said by its own text: what it guesses does not count); and the divergence (bits) of its next-token distributions from those of a state that read the parents' texts one after
 * the other. Nothing is written.
 */
export async function previewMix(
  context: PacketContext,
  { parents, questions }: { parents: readonly WeightedRef[]; questions: readonly string[] },
  call: Call = {},
): Promise<Output<'remix.preview'>> {
  const opened = await openParents(context, parents, call)
  const { state } = mixedState(opened)
  const texts = await Promise.all(opened.map(({ packet }) => textOf(context, packet)))
  const exact = await readTogether(opened[0]?.base, texts, call)
  const answers: Output<'remix.preview'>['answers'] = []
  const divergences: number[] = []
  for (const [index, question] of questions.entries()) {
    call.progress?.({ phase: 'asking', done: index, total: questions.length, unit: 'items' })
    const mixed = await answerUnstored(state, question, call)
    const parentAnswers = await Promise.all(opened.map(({ base }) => answerUnstored(base, question, call)))
    if (exact !== null)
      divergences.push(compareLogits((await answerUnstored(exact, question, call)).logits, mixed.logits).klBits)
    const asked = askedOf(question, texts)
    answers.push({
      question,
      answer: mixed.text,
      parents: parentAnswers.map(({ text }, index) => {
        const right = asked[index] === true && isRight(text, texts[index] ?? null)
        return { answer: text, right, kept: right && text === mixed.text }
      }),
    })
  }
  return {
    answers,
    kept: opened.map(({ packet }, parent) => {
      const own = answers.flatMap(row => row.parents[parent] ?? [])
      return {
        packetId: packet.packetId,
        kept: own.filter(({ kept }) => kept).length,
        right: own.filter(({ right }) => right).length,
      }
    }),
    kl: divergences.length === 0 ? null : divergences.reduce((sum, kl) => sum + kl, 0) / divergences.length,
  }
}

/**
 * Which of the parents a question is about: those whose texts hold most of its words. A parent without a text may be what any is
 * about.
 */
function askedOf(question: string, texts: readonly (string | null)[]): boolean[] {
  const words = [...wordSet(question)]
  const held = texts.map(text => {
    const has = text === null ? null : wordSet(text)
    return has === null ? null : words.filter(word => has.has(word)).length
  })
  const most = Math.max(...held.map(count => count ?? 0))
  return held.map(count => count === null || count === most)
}

const wordSet = (text: string) => new Set(wordsOf(text).map(({ word }) => word))

/** Whether a parent's answer is one of its own: said by its text. Where it carries none, all but "I don't know". */
function isRight(answer: string, text: string | null): boolean {
  if (isRefusal(answer)) return false
  return text === null || holdsAnswer(text, answer)
}

/** The text that a packet has read and carries; null for none. */
async function textOf(context: PacketContext, packet: Packet): Promise<string | null> {
  const { sources } = await readDocuments(context.blobs, packet)
  return sources.length === 0 || packet.config.origin.kind !== 'tokens'
    ? null
    : sources.map(({ text }) => text).join('')
}

/** A state that read the parents' texts one after the other; null when a parent does not carry its text. */
async function readTogether(
  base: OpenedState | undefined,
  texts: readonly (string | null)[],
  call: Call,
): Promise<OpenedState | null> {
  const known = texts.filter(text => text !== null)
  return base === undefined || known.length < texts.length ? null : readUnstored(base.loaded, known.join(''), call)
}
