import { randomInt } from 'node:crypto'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Tool, ToolChoice } from '#shared/domain/tool.ts'
import type { InferResult } from '#shared/rpc/methods/views.ts'
import type { ApiCall, OnPiece } from '../apiRoute.ts'
import { modelOf } from '../routes/modelOf.ts'
import { stateHash } from '../routes/stateView.ts'
import type { Asked } from './conversation.ts'
import { MOST_TOKENS } from './fields.ts'
import { saidTo } from './saidTo.ts'
import { trimmed } from './trimmed.ts'

export interface AnswerRequest {
  readonly model?: string | undefined
  /** What is asked: turns through the model's chat template, or a text to go on with. */
  readonly asked: Asked | { readonly prompt: string }
  /** The state it is asked of, or `auto`; without one the deepest known beginning serves. */
  readonly state?: string | undefined
  readonly maxTokens: number
  readonly stop: readonly string[]
  readonly temperature?: number | null | undefined
  readonly topP?: number | null | undefined
  readonly topK?: number | undefined
  readonly seed?: number | null | undefined
  readonly logprobs?: number | undefined
  /** The answer is JSON that follows it. */
  readonly jsonSchema?: Record<string, unknown> | undefined
  /** Functions that the model may call, and whether it does. */
  readonly tools?: readonly Tool[] | undefined
  readonly toolChoice?: ToolChoice | undefined
  /** Keep the conversation's state on disk, for its time; otherwise it is kept in memory. */
  readonly durable?: boolean
  /** The state stays that of the question: more answers will fork from it. */
  readonly isFork?: boolean
}

type ToolCall = NonNullable<InferResult['toolCall']>

export interface Answered {
  readonly model: string
  readonly text: string
  readonly isWhole: boolean
  /** The call of a tool that follows the text. */
  readonly toolCall: ToolCall | null
  /** Which of the stop texts ended it. */
  readonly stopText: string | null
  /** Of the conversation with this answer. */
  readonly state: Digest
  /** The state as it is on disk, where it is kept there. */
  readonly stored: Digest | null
  /** The packet that it was asked of, where one was named or chosen. */
  readonly of: Digest | null
  readonly usage: { readonly prompt: number; readonly cached: number; readonly completion: number }
  readonly logprobs: InferResult['logprobs']
}

/** Answers, and keeps the state, so that the next turn reads only what is new. States are exact: nothing an answer says depends on them. */
export async function answer(call: ApiCall, request: AnswerRequest, onPiece?: OnPiece): Promise<Answered> {
  const { client, options, count } = call
  const state = request.state === 'auto' ? await stateFor(call, request) : request.state
  const { asked, maxTokens, stop, logprobs, jsonSchema, durable = false, isFork = false } = request
  const isChat = !('prompt' in asked)
  const said = isChat ? saidTo(state, asked, request.tools) : { delta: asked.prompt }
  const show = onPiece === undefined || !isChat ? onPiece : trimmed(onPiece)
  const result = await client.call(
    'packets.infer',
    {
      ...{ ...said, toolChoice: request.toolChoice },
      ...(state === undefined ? { model: await modelOf(client, request.model), dtype: 'float32' } : { ref: state }),
      ...{ maxNewTokens: Math.min(maxTokens, MOST_TOKENS), stop: [...stop], sampling: samplingOf(request) },
      ...{ logprobs, jsonSchema },
      keepOutput: !isFork,
      persist: durable ? 'retained' : 'memory',
    },
    options(show),
  )
  const { naive, processed } = result.tokens
  const completion = result.outputTokenIds.length
  const prompt = naive - result.tokens.generated
  const cached = Math.max(0, naive - processed)
  const { reused, reuseMissed } = result
  count({ prompt, cached, generated: completion, reused, reuseMissed })
  return {
    model: result.model,
    text: isChat ? result.output.trim() : result.output,
    stopText: result.stopText,
    isWhole: result.finishReason === 'stop',
    toolCall: result.toolCall,
    state: stateHash({
      dtype: result.dtype,
      contextId: result.newContextId,
      packetId: result.newPacketId ?? result.newContextId,
    }),
    stored: durable ? result.newPacketId : null,
    of: result.basePacketId,
    usage: { prompt, cached, completion },
    logprobs: result.logprobs,
  }
}

/** The cartridge that a question is about. Throws `E_NOT_FOUND` when the library has none. */
async function stateFor({ client, signal }: ApiCall, { asked, model }: AnswerRequest): Promise<Digest> {
  const question = 'prompt' in asked ? asked.prompt : asked.question
  const { chosen } = await client.call('library.suggest', { question, model }, { signal })
  if (chosen === null) {
    const message = 'No cartridge here is about this. Name one in `state`, or leave `state` out to ask the model alone.'
    throw new StatePackError('E_NOT_FOUND', message, { field: 'state' })
  }
  return chosen
}

function samplingOf({ temperature, topP, topK, seed }: AnswerRequest) {
  const heat = temperature ?? 0
  return {
    temperature: heat,
    topP: topP ?? 1,
    topK: topK ?? 0,
    // Whoever wants the same answer again says which.
    seed: seed === null || seed === undefined ? (heat === 0 ? 0 : randomInt(2 ** 32)) : seed >>> 0,
  }
}
