import type { CallPart } from '#shared/domain/tool.ts'
import { schemaGrammar } from '../inference/grammar/schemaGrammar.ts'
import { toolGrammar } from '../inference/grammar/toolGrammar.ts'
import type { Session } from '../inference/session.ts'
import { watchForStops } from '../inference/stopTexts.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import type { Scheduled } from '../live/scheduler.ts'
import { callIn } from '../models/tokenizer/callIn.ts'
import { watchForCall } from '../models/tokenizer/callWatch.ts'
import type { answerEnd } from '../models/tokenizer/conversation.ts'
import { type ToolForm, writable } from '../models/tokenizer/toolForm.ts'
import { tokenizerOf } from './composeText.ts'
import type { Call, PacketContext } from './context.ts'
import type { InferInput } from './inferInput.ts'
import { idsBefore } from './keepAnswer.ts'
import { TRACE_TOP_K } from './logitsTrace.ts'

interface Question {
  readonly loaded: LoadedModel
  /** It has read everything that comes before the answer. */
  readonly session: Session
  /** The logits there. */
  readonly first: Float32Array
  /** The tokens there, for sampling that looks back. */
  readonly history: Int32Array
  /** What ends a turn of the model's. */
  readonly end: Omit<ReturnType<typeof answerEnd>, 'closing'>
  /** How the model calls tools; null: it has none. */
  readonly form: ToolForm | null
  /** What the answer is held to; undefined: it is any text. */
  readonly grammar: string | undefined
  /** Nobody goes on from the session after the answer: it may be closed by then. */
  readonly isLast: boolean
}

export interface WrittenAnswer extends ReturnType<typeof callIn> {
  /** Everything that was written, also past a stop text. */
  readonly generation: Scheduled
  /** Ids of the answer. */
  readonly ids: Int32Array
  /** What it stopped at, of the texts asked for and those of the prompt style. */
  readonly stopText: string | null
}

/**
 * Has the model answer after what a session has read, and tells the answer as it comes. Throws what generating throws, and
 * `E_NOT_SUPPORTED`, `E_TOO_LARGE`, `E_TOKENIZER` of a grammar.
 */
export async function writeAnswer(
  context: PacketContext,
  { loaded: { model, runtime }, session, first, history, end, form, grammar, isLast }: Question,
  input: InferInput,
  call: Call,
): Promise<WrittenAnswer> {
  const tokenizer = tokenizerOf(model)
  const decoder = tokenizer.streamDecoder()
  // What follows a schema ends by itself: the text that a next turn begins with may stand in it.
  const isText = input.jsonSchema === undefined
  const watch = watchForStops([...(input.stop ?? []), ...(isText ? end.stopTexts : [])])
  const calls = form === null ? null : watchForCall(form, (text, of) => say(text, of))
  // The model never waits for a reader, others may share it: what is not read yet is at most this one answer.
  let told: Promise<void> | undefined
  let hasLeft = false
  const say = (text: string, of?: CallPart) => {
    if (text === '') return
    told = call.answering?.(text, of)
    told?.catch(() => {
      hasLeft = true
    })
  }
  const stopIds = input.stopIds ?? [...new Set([...model.eosTokenIds, ...end.stopIds])]
  using constraint =
    grammar === undefined
      ? undefined
      : await context.live.grammars.lead({
          ...{ tokenizer, vocabSize: session.vocabSize, stopIds, grammar },
          added: form === null ? undefined : writable(tokenizer, form, stopIds),
        })
  const began = performance.now()
  const generation =
    input.answer !== undefined
      ? await readAnswer(session, first, input.answer)
      : await context.live.schedulerOf(runtime).generate(session, first, {
          maxNewTokens: input.maxNewTokens ?? 32,
          sampling: input.sampling,
          stopIds,
          constraint,
          history,
          // Every generated token is read, also the last: so the count is exact and the state can be kept.
          keepOutput: true,
          isLast,
          traceTopK: Math.max(
            input.trace ? TRACE_TOP_K : 0,
            input.logprobs === undefined ? 0 : Math.max(1, input.logprobs),
          ),
          signal: call.signal,
          onToken: ({ id, index }) => {
            const piece = decoder.push(id)
            // Whatever stands in a call, it ends by itself.
            const { shown, stopped } = calls?.isCalling
              ? { shown: watch.end() + piece, stopped: false }
              : watch.push(piece)
            const rate = ((index + 1) * 1000) / Math.max(performance.now() - began, 1e-3)
            call.progress?.({ phase: 'generating', done: index + 1, unit: 'tokens', rate })
            if (calls === null) say(shown)
            else calls.push(shown)
            return stopped || hasLeft ? 'stop' : undefined
          },
        })
  const rest = decoder.end()
  const last = calls?.isCalling ? watch.end() + rest : watch.push(rest).shown + watch.end()
  if (calls === null) say(last)
  else calls.end(last)
  await told
  const ids = watch.length === null ? generation.ids : idsBefore(tokenizer, generation.ids, watch.length)
  // The marks of a call may be control tokens.
  const text = tokenizer.decode(generation.ids, { skipSpecial: form === null }).slice(0, watch.length ?? undefined)
  const said = form === null ? { content: text, call: null } : callIn(form, text)
  return { generation, ids, stopText: watch.found, ...said }
}

/** What the answer is held to; undefined: it is any text. */
export function answerGrammar(
  { jsonSchema, tools, toolChoice = 'auto' }: InferInput,
  form: ToolForm | null,
): string | undefined {
  if (tools !== undefined && form !== null) return toolGrammar({ form, tools, choice: toolChoice, jsonSchema })
  return jsonSchema && schemaGrammar(jsonSchema)
}

/** An answer that is known: the session reads it as it would have read its own words. */
async function readAnswer(
  session: Session,
  first: Float32Array,
  { ids, stopId }: NonNullable<InferInput['answer']>,
): Promise<Scheduled> {
  const logits = ids.length === 0 ? first : await session.append(ids, { logits: 'last' })
  return {
    ...{ ids: Int32Array.from(ids), finishReason: stopId === null ? 'length' : 'stop', stopId },
    ...{ fed: ids.length, logits, traces: [], batched: false },
  }
}
