import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { hexOf, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type ApiRoute, apiRoute, type ServerEvent } from '../apiRoute.ts'
import { type Answered, type AnswerRequest, answer } from '../chat/answer.ts'
import { readMessages } from '../chat/conversation.ts'
import {
  contentSchema,
  DEFAULT_TOKENS,
  labelFields,
  neutralFields,
  outputFormat,
  samplingFields,
  stateSchema,
  tokensSchema,
} from '../chat/fields.ts'
import { now, stateField } from '../chat/openAi.ts'

const count = z.number().int().nonnegative()

const itemSchema = z.strictObject({
  type: z.literal('message', { error: 'input other than messages is not supported by this server' }).optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: contentSchema,
  id: z.string().optional(),
  status: z.string().optional(),
})

const input = z.strictObject({
  model: z.string().optional(),
  input: z.union([z.string(), z.array(itemSchema).min(1)]),
  instructions: z.string().nullish(),
  /** Go on from the state that this response led to. */
  previous_response_id: z.string().min(1).max(200).nullish(),
  /** An extension: go on from this state instead. */
  state: stateSchema,
  /** Write the conversation's state to disk (default), so that going on works after a restart; else it is kept in memory. */
  store: z.boolean().nullish(),
  max_output_tokens: tokensSchema.nullish(),
  ...samplingFields,
  stream: z.boolean().nullish(),
  text: z.strictObject({ format: outputFormat.optional() }).nullish(),
  truncation: z.literal('disabled', { error: 'truncation is not supported by this server' }).nullish(),
  include: z.array(z.never({ error: 'including more is not supported by this server' })).nullish(),
  background: z.literal(false, { error: 'answering in the background is not supported by this server' }).nullish(),
  ...labelFields,
  ...neutralFields,
})
type Request = z.output<typeof input>

const status = z.enum(['in_progress', 'completed', 'incomplete', 'failed'])
const partSchema = z.strictObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
})
const messageSchema = z.strictObject({
  ...{ id: z.string(), type: z.literal('message'), status, role: z.literal('assistant') },
  content: z.array(partSchema),
})
const output = z.strictObject({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.number().int(),
  status,
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.strictObject({ reason: z.literal('max_output_tokens') }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: count.nullable(),
  metadata: z.record(z.string(), z.unknown()),
  model: z.string(),
  output: z.array(messageSchema),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  store: z.boolean(),
  temperature: z.number(),
  tool_choice: z.literal('auto'),
  tools: z.array(z.never()),
  top_p: z.number(),
  usage: z
    .strictObject({
      input_tokens: count,
      /** What the state spared. */
      input_tokens_details: z.strictObject({ cached_tokens: count }),
      output_tokens: count,
      output_tokens_details: z.strictObject({ reasoning_tokens: count }),
      total_tokens: count,
    })
    .nullable(),
  state: stateField.nullable(),
})

/** Ids of streamed answers whose states are only in memory; the oldest is forgotten. */
const MOST_IN_MEMORY = 10_000

/** OpenAI's responses: `previous_response_id` is a state. */
export function responsesRoute(): ApiRoute {
  const inMemory = new Map<string, string>()
  return apiRoute({
    method: 'post',
    path: '/v1/responses',
    summary: 'Answer, and go on from an earlier answer by its id, as OpenAI does: the id stands for a state.',
    streams: true,
    input,
    output,
    async answer(request, call) {
      const asked = askedOf(request, id => inMemory.get(id) ?? id)
      if (!request.stream) {
        const answered = await answer(call, asked)
        return view(request, { id: `resp_${hexOf(answered.state)}`, messageId: messageIdOf(answered) }, answered)
      }
      // Its id is told before its state is known.
      const id = `resp_${randomUUID().replaceAll('-', '')}`
      return {
        events: async send => {
          const stream = responseEvents(request, id, send)
          const answered = await answer(call, { ...asked, answerId: asked.durable ? id : undefined }, stream.piece)
          if (!asked.durable) {
            inMemory.set(id, answered.state)
            const [oldest = ''] = inMemory.keys()
            if (inMemory.size > MOST_IN_MEMORY) inMemory.delete(oldest)
          }
          stream.end(answered)
        },
        failed: ({ code, message }) => ({ event: 'error', data: { type: 'error', code, message, param: null } }),
      }
    },
  })
}

/** An id is the content address of the state, or stands for it. */
function askedOf(request: Request, lookUp: (id: string) => string): AnswerRequest & { durable: boolean } {
  const { previous_response_id: previous, instructions, model, temperature, top_p: topP } = request
  const messages =
    typeof request.input === 'string' ? [{ role: 'user' as const, content: request.input }] : request.input
  const state = previous ? stateOf(lookUp(previous)) : request.state
  if (previous && request.state !== undefined)
    throw new StatePackError('E_BAD_INPUT', 'Give either previous_response_id or state.', { field: 'state' })
  if (state !== undefined && instructions)
    throw new StatePackError(
      'E_NOT_SUPPORTED',
      'Instructions stand at the beginning of a conversation: a state that goes on keeps its own.',
    )
  const first = instructions ? [{ role: 'system' as const, content: instructions }] : []
  return {
    ...{ model, state, temperature, topP, asked: readMessages([...first, ...messages]), stop: [] },
    maxTokens: request.max_output_tokens ?? DEFAULT_TOKENS,
    jsonSchema: request.text?.format,
    durable: request.store ?? true,
  }
}

function stateOf(id: string): string {
  const [, hex] = /^resp_([0-9a-f]{64})$/.exec(id) ?? []
  return hex === undefined ? id : parseDigest(hex)
}

const messageIdOf = ({ state }: Pick<Answered, 'state'>) => `msg_${hexOf(state)}`

function view(
  request: Request,
  { id, messageId }: { id: string; messageId: string },
  answered: Answered | null,
): z.output<typeof output> {
  const isCut = answered !== null && !answered.isWhole
  const state = answered === null ? 'in_progress' : isCut ? 'incomplete' : 'completed'
  return {
    ...{ id, object: 'response', created_at: now(), status: state, error: null },
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model: answered?.model ?? request.model ?? '',
    output: answered === null ? [] : [message(messageId, answered)],
    parallel_tool_calls: false,
    previous_response_id: request.previous_response_id ?? null,
    store: request.store ?? true,
    temperature: request.temperature ?? 0,
    ...{ tool_choice: 'auto', tools: [] },
    top_p: request.top_p ?? 1,
    usage: answered === null ? null : usage(answered),
    state: answered?.state ?? null,
  }
}

function message(id: string, answered: Answered | null): z.output<typeof messageSchema> {
  const how = answered === null ? 'in_progress' : answered.isWhole ? 'completed' : 'incomplete'
  return {
    ...{ id, type: 'message', status: how, role: 'assistant' },
    content: answered === null ? [] : [{ type: 'output_text', text: answered.text, annotations: [] }],
  }
}

function usage({ usage: { prompt, cached, completion } }: Answered) {
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: prompt + completion,
  }
}

/** The events of a streamed response, in the order and with the numbers that clients expect. */
function responseEvents(request: Request, id: string, send: (event: ServerEvent) => void) {
  const messageId = `msg_${id.slice('resp_'.length)}`
  const at = { item_id: messageId, output_index: 0, content_index: 0 }
  const part = (text: string) => ({ type: 'output_text', text, annotations: [] })
  let number = 0
  let isBegun = false
  const emit = (type: string, more: object) => send({ event: type, data: { type, sequence_number: number++, ...more } })
  const begin = () => {
    if (isBegun) return
    isBegun = true
    const response = view(request, { id, messageId }, null)
    emit('response.created', { response })
    emit('response.in_progress', { response })
    emit('response.output_item.added', { output_index: 0, item: message(messageId, null) })
    emit('response.content_part.added', { ...at, part: part('') })
  }
  return {
    piece(delta: string) {
      begin()
      emit('response.output_text.delta', { ...at, delta, logprobs: [] })
    },
    end(answered: Answered) {
      begin()
      emit('response.output_text.done', { ...at, text: answered.text, logprobs: [] })
      emit('response.content_part.done', { ...at, part: part(answered.text) })
      emit('response.output_item.done', { output_index: 0, item: message(messageId, answered) })
      const response = view(request, { id, messageId }, answered)
      emit(answered.isWhole ? 'response.completed' : 'response.incomplete', { response })
    },
  }
}
