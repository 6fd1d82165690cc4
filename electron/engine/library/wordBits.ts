import { tokenizerOf } from '../packets/composeText.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { deltaOf } from '../packets/deltaOf.ts'
import { splitDelta } from '../packets/growState.ts'
import { joinTokens } from '../packets/joinTokens.ts'
import { readTraced } from '../packets/logitsTrace.ts'
import type { OpenedState } from '../packets/openState.ts'
import type { Word } from '../store/search/wordsOf.ts'

/**
 * How surprising each word of a question is to a state, in bits: the question is read as Ask would read it, on a session of
 * its own. The frame that the prompt style puts around it counts for no word.
 */
export async function wordBits(
  { blobs }: Pick<PacketContext, 'blobs'>,
  state: OpenedState,
  { question, words }: { readonly question: string; readonly words: readonly Word[] },
  call: Call,
): Promise<{ bits: number[]; processed: number }> {
  const { base, delta } = await deltaOf(blobs, state, { delta: question, chat: true })
  const split = splitDelta(base, delta, 'exact')
  const tokens = joinTokens(split.prefix, split.fold, split.tailTokens)
  const { runtime, model } = base.loaded
  using session = state.packet === null ? runtime.newSession() : await runtime.restore(state.snapshot)
  const { steps } = await readTraced(session, tokens, { before: state.logits, signal: call.signal })

  // What was held back is read again, before the delta; places are counted from the end, where both are equal.
  const text = base.tail + delta.text
  const questionAt = text.lastIndexOf(question)
  const tokenizer = tokenizerOf(model)
  const decoded = (count: number) => tokenizer.decode(tokens.subarray(0, count)).replace(/\uFFFD+$/, '').length
  const shift = text.length - decoded(tokens.length) - questionAt
  const bits = words.map(() => 0)
  let from = decoded(0) + shift
  for (const [index, { surprisal_bits }] of steps.entries()) {
    const to = decoded(index + 1) + shift
    // A token that ends within a character belongs to the word that the character begins or goes on with.
    const place = words.findIndex(({ start, end }) => from < end && (to > start || (to === from && from >= start - 1)))
    if (place >= 0) bits[place] = (bits[place] ?? 0) + (surprisal_bits ?? 0)
    from = to
  }
  return { bits, processed: session.processed }
}
