import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { type CallPart, toolNameSchema } from '#shared/domain/tool.ts'
import { type ApiCall, apiRoute, type ServerEvents } from '../apiRoute.ts'
import { type Answered, type AnswerRequest, answer } from '../chat/answer.ts'
import { type Message, readMessages } from '../chat/conversation.ts'
import {
  contentSchema,
  DEFAULT_TOKENS,
  effortSchema,
  labelFields,
  neutralPenalties,
  responseFormat,
  samplingFields,
  seedSchema,
  stateSchema,
  stopSchema,
  streamOptions,
  tokensSchema,
  verbositySchema,
} from '../chat/fields.ts'
import {
  chatLogprobs,
  chatLogprobsSchema,
  finishOf,
  finishSchema,
  now,
  stateField,
  streamedAs,
  together,
  usageSchema,
} from '../chat/openAi.ts'
import { argumentsSchema, chatToolFields, newCallId, toolsAsked } from '../chat/tools.ts'
import { errorResponse } from '../errorResponse.ts'
import { modelShown } from './modelOf.ts'

const name = z.string().nullish()
const callSchema = z.strictObject({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.strictObject({ name: toolNameSchema, arguments: argumentsSchema }),
})
const messageSchema = z
  .discriminatedUnion('role', [
    z.strictObject({ role: z.enum(['system', 'developer', 'user']), content: contentSchema, name }),
    z.strictObject({
      role: z.literal('assistant'),
      /** Nothing where a tool is called without a word. */
      content: contentSchema.optional(),
      tool_calls: z.array(callSchema).nullish(),
      name,
      /** As it was told; what an answer never has. */
      annotations: z.array(z.never()).optional(),
    }),
    z.strictObject({ role: z.literal('tool'), content: contentSchema, tool_call_id: z.string().min(1), name }),
  ])
  .transform((message): Message => {
    if (message.role === 'tool') return { role: 'tool', content: message.content, callId: message.tool_call_id }
    if (message.role !== 'assistant') return { role: message.role, content: message.content }
    const calls = message.tool_calls?.map(call => ({ id: call.id, ...call.function }))
    return { role: 'assistant', content: message.content ?? '', calls }
  })

const input = z.strictObject({
  model: z.string().optional(),
  messages: z.array(messageSchema).min(1),
  /** An extension: ask this state; `messages` is then only what is new. */
  state: stateSchema,
  max_tokens: tokensSchema.nullish(),
  max_completion_tokens: tokensSchema.nullish(),
  ...samplingFields,
  seed: seedSchema,
  stop: stopSchema,
  n: z.number().int().min(1).max(16).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptions.nullish(),
  response_format: responseFormat.nullish(),
  store: z.literal(false, { error: 'storing is done by /v1/responses' }).nullish(),
  modalities: z
    .array(z.literal('text', { error: 'an answer that is not text is not supported by this server' }))
    .nullish(),
  verbosity: verbositySchema.nullish(),
  reasoning_effort: effortSchema.nullish(),
  ...labelFields,
  ...chatToolFields,
  ...neutralPenalties,
})

const endSchema = z.enum([...finishSchema.options, 'tool_calls'])
const frame = { id: z.string(), created: z.number().int(), model: z.string() }

const output = z.strictObject({
  ...frame,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.strictObject({
      index: z.number().int(),
      message: z.strictObject({
        role: z.literal('assistant'),
        /** null: a tool is called without a word. */
        content: z.string().nullable(),
        refusal: z.null(),
        tool_calls: z
          .array(
            z.strictObject({
              id: z.string(),
              type: z.literal('function'),
              function: z.strictObject({ name: z.string(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: endSchema,
    }),
  ),
  usage: usageSchema,
  state: stateField,
})

const chunkSchema = z.strictObject({
  ...frame,
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.strictObject({
      index: z.number().int(),
      delta: z.strictObject({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        tool_calls: z
          .array(
            z.strictObject({
              index: z.number().int(),
              /** With the name, before its arguments. */
              id: z.string().optional(),
              type: z.literal('function').optional(),
              function: z.strictObject({ name: z.string().optional(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: endSchema.nullable(),
    }),
  ),
  /** In the last, where it was asked for. */
  usage: usageSchema.optional(),
  /** With the end of an answer. */
  state: stateField.optional(),
})

/** OpenAI's chat completions. */
export const chatCompletions = apiRoute({
  method: 'post',
  path: '/v1/chat/completions',
  summary: 'Answer a conversation, as OpenAI does; what a known state has read is not read again.',
  event: streamedAs(chunkSchema),
  input,
  output,
  async answer(request, call) {
    const id = `chatcmpl-${randomUUID()}`
    const forks = forksOf(request)
    if (request.stream) return streamed(call, { id, forks, withUsage: request.stream_options?.include_usage ?? false })
    const answers: Answered[] = []
    for (const fork of forks) answers.push(await answer(call, fork))
    return {
      ...{ id, object: 'chat.completion' as const, created: now() },
      choices: answers.map((answered, index) => ({
        index,
        message: messageOf(answered),
        logprobs: chatLogprobs(answered.logprobs),
        finish_reason: endOf(answered),
      })),
      ...together(answers),
    }
  },
})

function endOf(answered: Answered) {
  return answered.isWhole && answered.toolCall !== null ? ('tool_calls' as const) : finishOf(answered)
}

function messageOf({ text, toolCall }: Answered) {
  const message = { role: 'assistant' as const, content: text, refusal: null }
  if (toolCall === null) return message
  const { name, arguments: given } = toolCall
  const tool_calls = [{ id: newCallId(), type: 'function' as const, function: { name, arguments: given } }]
  return { ...message, content: text === '' ? null : text, tool_calls }
}

/** One request for each answer that is wanted: they fork from the state of the question. */
function forksOf(request: z.output<typeof input>): AnswerRequest[] {
  const { model, messages, state, stop, temperature, top_p: topP, seed, logprobs, top_logprobs } = request
  if (top_logprobs && !logprobs)
    throw new StatePackError('E_BAD_INPUT', 'top_logprobs is for logprobs: true.', { field: 'top_logprobs' })
  const count = request.n ?? 1
  return Array.from({ length: count }, (_, fork) => ({
    ...{ model, asked: readMessages(messages), state, stop, temperature, topP },
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? DEFAULT_TOKENS,
    seed: seed === null || seed === undefined ? seed : seed + fork,
    logprobs: logprobs ? (top_logprobs ?? 0) : undefined,
    jsonSchema: request.response_format ?? undefined,
    ...toolsAsked(request),
    isFork: count > 1,
  }))
}

/** A piece of a message; a call comes with its name first, then its arguments. */
function deltaOf(piece: string, of: CallPart | undefined) {
  if (of === undefined) return { content: piece }
  if (of === 'arguments') return { tool_calls: [{ index: 0, function: { arguments: piece } }] }
  return { tool_calls: [{ index: 0, id: newCallId(), type: 'function', function: { name: piece, arguments: '' } }] }
}

function streamed(
  call: ApiCall,
  { id, forks, withUsage }: { id: string; forks: readonly AnswerRequest[]; withUsage: boolean },
): ServerEvents {
  const created = now()
  return {
    async events(send) {
      const answers: Answered[] = []
      const chunk = (model: string, more: object) =>
        send({ data: { id, object: 'chat.completion.chunk', created, model, ...more } })
      for (const [index, fork] of forks.entries()) {
        const by = await modelShown(call.client, fork)
        let isBegun = false
        const delta = (more: object) => {
          const role = isBegun ? {} : { role: 'assistant' }
          isBegun = true
          chunk(by, {
            choices: [{ index, delta: { ...role, ...more }, logprobs: null, finish_reason: null }],
          })
        }
        const answered = await answer(call, fork, (piece, of) => delta(deltaOf(piece, of)))
        if (!isBegun) delta({ content: '' })
        answers.push(answered)
        const logprobs = chatLogprobs(answered.logprobs)
        chunk(answered.model, {
          choices: [{ index, delta: {}, logprobs, finish_reason: endOf(answered) }],
          state: answered.state,
        })
      }
      const { model, usage } = together(answers)
      if (withUsage) chunk(model, { choices: [], usage })
      send({ data: '[DONE]' })
    },
    failed: error => ({ data: errorResponse(error) }),
  }
}
