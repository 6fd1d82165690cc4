import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { apiRoute, type ServerEvent } from '../apiRoute.ts'
import { type Answered, type AnswerRequest, answer } from '../chat/answer.ts'
import { readMessages } from '../chat/conversation.ts'
import { contentSchema, neutralFields, stateSchema, stopSchema, tokensSchema } from '../chat/fields.ts'
import { stateField } from '../chat/openAi.ts'

const count = z.number().int().nonnegative()

const input = z.strictObject({
  model: z.string().optional(),
  max_tokens: tokensSchema,
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: contentSchema })).min(1),
  system: contentSchema.optional(),
  /** An extension: ask this state; `messages` is then only what is new. */
  state: stateSchema,
  stop_sequences: stopSchema,
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  top_k: z.number().int().min(0).optional(),
  stream: z.boolean().optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  thinking: z
    .strictObject({ type: z.literal('disabled', { error: 'thinking is not supported by this server' }) })
    .optional(),
  tools: neutralFields.tools,
})
type Request = z.output<typeof input>

const usageSchema = z.strictObject({
  /** Tokens of the prompt that had to be read. */
  input_tokens: count,
  cache_creation_input_tokens: count,
  /** Tokens of the prompt that a known state spared. */
  cache_read_input_tokens: count,
  output_tokens: count,
})

const output = z.strictObject({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(z.strictObject({ type: z.literal('text'), text: z.string() })),
  stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence']).nullable(),
  stop_sequence: z.string().nullable(),
  usage: usageSchema,
  state: stateField.optional(),
})

/** Anthropic's messages. Every conversation is kept as if it were marked by `cache_control`. */
export const messages = apiRoute({
  method: 'post',
  path: '/v1/messages',
  summary: 'Answer a conversation, as Anthropic does; what a known state has read is not read again.',
  streams: true,
  input,
  output,
  async answer(request, call) {
    const id = `msg_${randomUUID().replaceAll('-', '')}`
    const asked = askedOf(request)
    if (!request.stream) return view(id, await answer(call, asked))
    return {
      events: async send => {
        const stream = messageEvents({ id, model: request.model ?? '' }, send)
        stream.end(await answer(call, asked, stream.piece))
      },
      failed: ({ code, message }) => ({ event: 'error', data: { type: 'error', error: { type: code, message } } }),
    }
  },
})

function askedOf(request: Request): AnswerRequest {
  const { model, state, system, temperature, top_p: topP, top_k: topK, stop_sequences: stop } = request
  const first = system === undefined ? [] : [{ role: 'system' as const, content: system }]
  const asked = readMessages([...first, ...request.messages])
  return { model, state, asked, stop, temperature, topP, topK, maxTokens: request.max_tokens }
}

function view(id: string, answered: Answered): z.output<typeof output> {
  return {
    ...{ id, type: 'message', role: 'assistant', model: answered.model },
    content: [{ type: 'text', text: answered.text }],
    ...stopOf(answered),
    usage: usageOf(answered),
    state: answered.state,
  }
}

function stopOf({ stopText, isWhole }: Answered) {
  const reason = stopText !== null ? 'stop_sequence' : isWhole ? 'end_turn' : 'max_tokens'
  return { stop_reason: reason, stop_sequence: stopText } as const
}

function usageOf({ usage: { prompt, cached, completion } }: Answered): z.output<typeof usageSchema> {
  return {
    input_tokens: prompt - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: completion,
  }
}

const NOTHING_USED = {
  ...{ input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 },
}

/** The events of a streamed message. What was used is known at its end, and told there. */
function messageEvents({ id, model }: { id: string; model: string }, send: (event: ServerEvent) => void) {
  let isBegun = false
  const emit = (type: string, more: object = {}) => send({ event: type, data: { type, ...more } })
  const begin = (by: string) => {
    if (isBegun) return
    isBegun = true
    const message = { id, type: 'message', role: 'assistant', model: by, content: [], usage: NOTHING_USED }
    emit('message_start', { message: { ...message, stop_reason: null, stop_sequence: null } })
    emit('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
  }
  return {
    piece(text: string) {
      begin(model)
      emit('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })
    },
    end(answered: Answered) {
      begin(answered.model)
      emit('content_block_stop', { index: 0 })
      emit('message_delta', { delta: stopOf(answered), usage: usageOf(answered) })
      emit('message_stop')
    },
  }
}
