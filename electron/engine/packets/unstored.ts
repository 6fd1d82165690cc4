/** States that are read or mixed to be asked a little, and never stored: previews, and what a starter can answer. */

import { generate } from '../inference/generate.ts'
import { watchForStops } from '../inference/stopTexts.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { answerEnd, turnOf } from '../models/tokenizer/conversation.ts'
import { tokenizerOf } from './composeText.ts'
import type { Call } from './context.ts'
import { type Delta, emptyState, splitDelta } from './growState.ts'
import { joinTokens } from './joinTokens.ts'
import type { OpenedState } from './openState.ts'

const ANSWER_TOKENS = 32

/** The state after a text; null when the text is longer than the model's context. */
export async function readUnstored(loaded: LoadedModel, text: string, call: Call): Promise<OpenedState | null> {
  const { runtime, model } = loaded
  const tokenizer = tokenizerOf(model)
  const folded = tokenizer.fold(tokenizer.startRun(), text)
  const tokens = joinTokens(Int32Array.from(tokenizer.prefixIds), folded.tokens)
  if (model.contextLength !== null && tokens.length > model.contextLength) return null
  using session = runtime.newSession()
  const logits = await session.append(tokens, { signal: call.signal })
  return {
    ...emptyState(loaded),
    tokens,
    tail: folded.tail,
    logits,
    snapshot: await session.capture(),
    segments: [{ kind: 'text', start: 0, end: tokens.length }],
  }
}

/** {@link answerDelta} to a question that opens a conversation of its own. */
export async function answerUnstored(
  state: OpenedState,
  question: string,
  call: Call,
): Promise<{ text: string; logits: Float32Array }> {
  const tokenizer = tokenizerOf(state.loaded.model)
  const parts = turnOf(tokenizer, { opening: null, turns: [], loose: 'x\n', lastAnswer: '' }, [
    { role: 'user', content: question },
  ])
  const text = parts.map(part => part.text).join('')
  const at = text.indexOf(question)
  const start = Buffer.byteLength(text.slice(0, at))
  return answerDelta(state, { text, said: [start, start + Buffer.byteLength(question)] }, call)
}

/** Greedy answer of a state to what is read after it, on a session of its own; `logits` are those before its first word. */
export async function answerDelta(
  state: OpenedState,
  delta: Delta,
  call: Call,
): Promise<{ text: string; logits: Float32Array }> {
  const { model, runtime } = state.loaded
  const tokenizer = tokenizerOf(model)
  const split = splitDelta(state, delta, 'exact')
  const end = answerEnd(tokenizer)
  const watch = watchForStops(end.stopTexts)
  const decoder = tokenizer.streamDecoder({ skipSpecial: true })
  let answer = ''
  using session = await runtime.restore(state.snapshot)
  const logits = await session.append([...split.prefix, ...split.fold, ...split.tailTokens], { signal: call.signal })
  await generate(session, logits, {
    maxNewTokens: ANSWER_TOKENS,
    stopIds: [...new Set([...model.eosTokenIds, ...end.stopIds])],
    signal: call.signal,
    onToken: ({ id }) => {
      const { shown, stopped } = watch.push(decoder.push(id))
      answer += shown
      return stopped ? 'stop' : undefined
    },
  })
  answer += watch.push(decoder.end()).shown + watch.end()
  return { text: answer.trim(), logits }
}
