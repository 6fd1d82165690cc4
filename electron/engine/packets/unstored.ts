/** States that are read or mixed to be asked a little, and never stored: previews, and what a starter can answer. */
import { generate } from '../inference/generate.ts'
import { phraseQuestion } from '../library/phraseQuestion.ts'
import type { LoadedModel } from '../models/modelPool.ts'
import { tokenizerOf } from './composeText.ts'
import type { Call } from './context.ts'
import { emptyState, splitDelta } from './growState.ts'
import type { OpenedState } from './openState.ts'

const ANSWER_TOKENS = 32

/** The state after a text; null when the text is longer than the model's context. */
export async function readUnstored(loaded: LoadedModel, text: string, call: Call): Promise<OpenedState | null> {
  const { runtime, model } = loaded
  const tokenizer = tokenizerOf(model)
  const folded = tokenizer.fold(tokenizer.startRun(), text)
  const tokens = Int32Array.from([...tokenizer.prefixIds, ...folded.tokens])
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

/** Greedy answer of a state to a question, on a session of its own; `logits` are those before its first word. */
export async function answerUnstored(
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
