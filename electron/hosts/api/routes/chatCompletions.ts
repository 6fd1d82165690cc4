import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type ApiCall, apiRoute, type ServerEvents } from '../apiRoute.ts'
import { type Answered, type AnswerRequest, answer } from '../chat/answer.ts'
import { readMessages } from '../chat/conversation.ts'
import {
  contentSchema,
  DEFAULT_TOKENS,
  labelFields,
  neutralFields,
  neutralPenalties,
  responseFormat,
  samplingFields,
  seedSchema,
  stateSchema,
  stopSchema,
  tokensSchema,
} from '../chat/fields.ts'
import {
  chatLogprobs,
  chatLogprobsSchema,
  finishOf,
  finishSchema,
  now,
  stateField,
  together,
  usageSchema,
} from '../chat/openAi.ts'

const messageSchema = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant'], {
    error: 'messages of tools are not supported by this server',
  }),
  content: contentSchema,
  name: z.string().nullish(),
  refusal: z.null().optional(),
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
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  response_format: responseFormat.nullish(),
  store: z.literal(false, { error: 'storing is done by /v1/responses' }).nullish(),
  ...labelFields,
  ...neutralFields,
  ...neutralPenalties,
})

const output = z.strictObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.strictObject({
      index: z.number().int(),
      message: z.strictObject({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: finishSchema,
    }),
  ),
  usage: usageSchema,
  state: stateField,
})

/** OpenAI's chat completions. */
export const chatCompletions = apiRoute({
  method: 'post',
  path: '/v1/chat/completions',
  summary: 'Answer a conversation, as OpenAI does; what a known state has read is not read again.',
  streams: true,
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
        message: { role: 'assistant' as const, content: answered.text, refusal: null },
        logprobs: chatLogprobs(answered.logprobs),
        finish_reason: finishOf(answered),
      })),
      ...together(answers),
    }
  },
})

/** One request for each answer that is wanted: they fork from the state of the question. */
function forksOf(request: z.output<typeof input>): AnswerRequest[] {
  const { model, messages, state, stop, temperature, top_p: topP, seed, logprobs, top_logprobs } = request
  const count = request.n ?? 1
  return Array.from({ length: count }, (_, fork) => ({
    ...{ model, asked: readMessages(messages), state, stop, temperature, topP },
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? DEFAULT_TOKENS,
    seed: seed === null || seed === undefined ? seed : seed + fork,
    logprobs: logprobs ? (top_logprobs ?? 0) : undefined,
    jsonSchema: request.response_format ?? undefined,
    isFork: count > 1,
  }))
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
        let isBegun = false
        const delta = (content: string) => {
          const role = isBegun ? {} : { role: 'assistant' }
          isBegun = true
          chunk(fork.model ?? '', {
            choices: [{ index, delta: { ...role, content }, logprobs: null, finish_reason: null }],
          })
        }
        const answered = await answer(call, fork, delta)
        if (!isBegun) delta('')
        answers.push(answered)
        const logprobs = chatLogprobs(answered.logprobs)
        chunk(answered.model, {
          choices: [{ index, delta: {}, logprobs, finish_reason: finishOf(answered) }],
          state: answered.state,
        })
      }
      const { model, usage } = together(answers)
      if (withUsage) chunk(model, { choices: [], usage })
      send({ data: '[DONE]' })
    },
    failed: error => ({ data: { error: { ...error, type: error.code } } }),
  }
}
