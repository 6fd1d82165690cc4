import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { apiRoute } from '../apiRoute.ts'
import { type Answered, answer } from '../chat/answer.ts'
import {
  labelFields,
  neutralPenalties,
  samplingFields,
  seedSchema,
  stateSchema,
  stopSchema,
  streamOptions,
  tokensSchema,
  unsupported,
} from '../chat/fields.ts'
import { finishOf, finishSchema, now, stateField, streamedAs, together, usageSchema } from '../chat/openAi.ts'
import { errorResponse } from '../errorResponse.ts'
import { modelShown } from './modelOf.ts'

const logprobsSchema = z.strictObject({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  top_logprobs: z.array(z.record(z.string(), z.number())),
})

const choiceSchema = z.strictObject({
  index: z.number().int(),
  text: z.string(),
  logprobs: logprobsSchema.nullable(),
  finish_reason: finishSchema,
})

const output = z.strictObject({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(choiceSchema),
  usage: usageSchema,
  state: stateField,
})
/** Why it ended, and the state, come with the last of an answer. */
const chunkSchema = output.extend({
  choices: z.array(choiceSchema.extend({ finish_reason: finishSchema.nullable() })),
  usage: usageSchema.optional(),
  state: stateField.optional(),
})

/** OpenAI's completions: a text, gone on with. */
export const completions = apiRoute({
  method: 'post',
  path: '/v1/completions',
  summary: 'Go on with a text, as OpenAI does.',
  event: streamedAs(chunkSchema),
  input: z.strictObject({
    model: z.string().optional(),
    prompt: z.union([z.string(), z.array(z.string()).length(1)], {
      error: 'one text is expected: several, and token ids, are not supported by this server',
    }),
    /** An extension: `prompt` goes on from this state. */
    state: stateSchema,
    max_tokens: tokensSchema.nullish(),
    ...samplingFields,
    seed: seedSchema,
    stop: stopSchema,
    n: z.number().int().min(1).max(16).nullish(),
    best_of: z.literal(1, unsupported('choosing among more answers')).nullish(),
    logprobs: z.number().int().min(0).max(20).nullish(),
    stream: z.boolean().nullish(),
    stream_options: streamOptions.nullish(),
    echo: z.literal(false, { error: 'echo is not supported by this server' }).nullish(),
    ...labelFields,
    ...neutralPenalties,
  }),
  output,
  async answer(request, call) {
    const { model, state, stop, temperature, top_p: topP, seed, logprobs, n } = request
    const [prompt = ''] = [request.prompt].flat()
    const frame = { id: `cmpl-${randomUUID()}`, object: 'text_completion' as const, created: now() }
    const ask = (fork: number, onPiece?: (piece: string) => void) =>
      answer(
        call,
        {
          ...{ model, state, stop, temperature, topP, asked: { prompt }, maxTokens: request.max_tokens ?? 16 },
          ...{ seed: typeof seed === 'number' ? seed + fork : seed, logprobs: logprobs ?? undefined },
          isFork: (n ?? 1) > 1,
        },
        onPiece,
      )
    const forks = Array.from({ length: n ?? 1 }, (_, fork) => fork)
    const answers: Answered[] = []
    const choice = (answered: Answered, index: number) => ({
      ...{ index, text: answered.text, logprobs: logprobsOf(answered.logprobs), finish_reason: finishOf(answered) },
    })
    if (!request.stream) {
      for (const fork of forks) answers.push(await ask(fork))
      return { ...frame, ...together(answers), choices: answers.map(choice) }
    }
    return {
      async events(send) {
        const by = await modelShown(call.client, request)
        for (const index of forks) {
          const piece = (text: string) =>
            send({
              data: { ...frame, model: by, choices: [{ index, text, logprobs: null, finish_reason: null }] },
            })
          const answered = await ask(index, piece)
          answers.push(answered)
          const end = { ...choice(answered, index), text: '' }
          send({ data: { ...frame, model: answered.model, choices: [end], state: answered.state } })
        }
        const { state: _, ...whole } = together(answers)
        if (request.stream_options?.include_usage) send({ data: { ...frame, ...whole, choices: [] } })
        send({ data: '[DONE]' })
      },
      failed: error => ({ data: errorResponse(error) }),
    }
  },
})

function logprobsOf(logprobs: Answered['logprobs']): z.output<typeof logprobsSchema> | null {
  if (logprobs === null) return null
  return {
    tokens: logprobs.map(({ text }) => text),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
  }
}
