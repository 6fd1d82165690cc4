import { z } from 'zod'
import { type InferResult, receiptViewSchema, samplingSchema, tokenCountsSchema } from '#shared/rpc/methods/views.ts'
import { apiRoute } from '../apiRoute.ts'
import { errorResponse, errorSchema } from '../errorResponse.ts'
import { oneField } from '../oneField.ts'
import { seamSchema, stateFields, stateHash, stateHashSchema } from './stateView.ts'

const resultSchema = z.strictObject({
  /** The state after the delta (with `keep_output`: and the answer). */
  new_state_hash: stateFields.state_hash,
  output: z.string(),
  output_token_ids: z.array(z.number().int()),
  finish_reason: z.enum(['stop', 'length', 'context', 'cancelled']),
  tokens: tokenCountsSchema,
  /** Against reading the whole context again. */
  savings: z.strictObject({ tokens: z.number(), percent: z.number() }),
  seconds: z.number(),
  receipt: receiptViewSchema,
})

const eventSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('piece'), data: z.strictObject({ piece: z.string() }) }),
  z.strictObject({ event: z.literal('result'), data: resultSchema }),
  z.strictObject({ event: z.literal('error'), data: errorSchema }),
])

/** Answers a delta from a state. */
export const inferRoute = apiRoute({
  method: 'post',
  path: '/infer',
  summary: 'Go on from a state: read the delta, answer it. The state itself stays as it is.',
  event: eventSchema,
  input: oneField(
    z.strictObject({
      state_hash: stateHashSchema,
      delta_text: z.string().optional(),
      delta: z.string().optional(),
      /** What the user says next, through the model's chat template. */
      messages: z
        .array(z.strictObject({ role: z.literal('user'), content: z.string() }))
        .length(1)
        .optional(),
      max_new_tokens: z.number().int().min(0).max(4096).default(32),
      sampling: samplingSchema.optional(),
      stop: z.array(z.string().min(1).max(200)).max(16).default([]),
      /** The new state has read the answer, too. */
      keep_output: z.boolean().default(false),
      seam: seamSchema,
      stream: z.boolean().default(false),
    }),
    ['delta_text', 'delta', 'messages'],
  ),
  output: resultSchema,
  async answer(input, { client, options, count }) {
    const { state_hash: ref, delta, delta_text, messages, max_new_tokens, sampling, stop, keep_output, seam } = input
    const infer = async (onPiece?: (piece: string) => void) => {
      const result = await client.call(
        'packets.infer',
        {
          ref,
          delta: messages?.[0]?.content ?? delta_text ?? delta ?? '',
          chat: messages !== undefined,
          ...{ maxNewTokens: max_new_tokens, sampling, stop, keepOutput: keep_output, seam },
        },
        options(onPiece),
      )
      const { naive, processed, generated } = result.tokens
      const { reused, reuseMissed } = result
      count({
        ...{ prompt: naive - generated, cached: Math.max(0, naive - processed), generated },
        ...{ reused, reuseMissed },
      })
      return view(result)
    }
    if (!input.stream) return infer()
    return {
      events: async send => {
        const result = await infer(piece => send({ event: 'piece', data: { piece } }))
        send({ event: 'result', data: result })
      },
      failed: error => ({ event: 'error', data: errorResponse(error) }),
    }
  },
})

function view(result: InferResult): z.output<typeof resultSchema> {
  const { dtype, newContextId: contextId, newPacketId, output, outputTokenIds, finishReason, tokens, seconds } = result
  return {
    new_state_hash: stateHash({ dtype, contextId, packetId: newPacketId ?? contextId }),
    output,
    output_token_ids: outputTokenIds,
    finish_reason: finishReason,
    tokens,
    savings: { tokens: tokens.saved, percent: tokens.savedPercent },
    seconds: seconds.total,
    receipt: result.receipt,
  }
}
