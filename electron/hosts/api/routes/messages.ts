import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type CallPart, toolNameSchema } from '#shared/domain/tool.ts'
import { count } from '#shared/rpc/methods/views.ts'
import { apiRoute, type ServerEvent } from '../apiRoute.ts'
import { type Answered, answer } from '../chat/answer.ts'
import { type Message, readMessages } from '../chat/conversation.ts'
import {
  cacheControl,
  contentSchema,
  stateSchema,
  stopSchema,
  textPart,
  tokensSchema,
  unsupported,
} from '../chat/fields.ts'
import { namedEvent } from '../chat/namedEvent.ts'
import { stateField } from '../chat/openAi.ts'
import { messageToolFields, newCallId, toolsAsked } from '../chat/tools.ts'
import { modelShown } from './modelOf.ts'

const callBlock = z.strictObject({
  ...{ type: z.literal('tool_use'), id: z.string().min(1), name: toolNameSchema },
  ...{ input: z.record(z.string(), z.unknown()), cache_control: cacheControl },
})
const resultBlock = z.strictObject({
  ...{ type: z.literal('tool_result'), tool_use_id: z.string().min(1), content: contentSchema.optional() },
  ...{ is_error: z.boolean().optional(), cache_control: cacheControl },
})
const otherBlock = unsupported('content other than texts, calls of tools and their results')
const messageSchema = z
  .discriminatedUnion('role', [
    z.strictObject({
      role: z.literal('user'),
      content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, resultBlock], otherBlock)).min(1)]),
    }),
    z.strictObject({
      role: z.literal('assistant'),
      content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, callBlock], otherBlock)).min(1)]),
    }),
  ])
  .transform(({ role, content }): Message[] => {
    if (typeof content === 'string') return [{ role, content }]
    return content.map(block => {
      if (block.type === 'tool_use')
        return { role: 'assistant', content: '', calls: [{ ...block, arguments: JSON.stringify(block.input) }] }
      if (block.type !== 'tool_result') return { role, content: block.text }
      const { content: given = '', is_error, tool_use_id: callId } = block
      return { role: 'tool', content: is_error ? `Error: ${given}` : given, callId }
    })
  })

/** What the prompt is made of. */
export const promptFields = {
  model: z.string().optional(),
  messages: z.array(messageSchema).min(1),
  system: contentSchema.optional(),
  /** An extension: ask this state; `messages` is then only what is new. */
  state: stateSchema,
  thinking: z
    .strictObject({ type: z.literal('disabled', { error: 'thinking is not supported by this server' }) })
    .optional(),
  ...messageToolFields,
  cache_control: cacheControl,
}

const input = z.strictObject({
  ...promptFields,
  max_tokens: tokensSchema,
  stop_sequences: stopSchema,
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  top_k: z.number().int().min(0).optional(),
  stream: z.boolean().optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
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

const blockSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    ...{ type: z.literal('tool_use'), id: z.string(), name: z.string() },
    input: z.record(z.string(), z.unknown()),
  }),
])
const stopFields = {
  stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']).nullable(),
  stop_sequence: z.string().nullable(),
}

const output = z.strictObject({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(blockSchema),
  ...stopFields,
  usage: usageSchema,
  state: stateField.optional(),
})

const eventSchema = z.discriminatedUnion('event', [
  namedEvent('message_start', { message: output }),
  namedEvent('content_block_start', { index: count, content_block: blockSchema }),
  namedEvent('content_block_delta', {
    index: count,
    delta: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('text_delta'), text: z.string() }),
      z.strictObject({ type: z.literal('input_json_delta'), partial_json: z.string() }),
    ]),
  }),
  namedEvent('content_block_stop', { index: count }),
  namedEvent('message_delta', { delta: z.strictObject(stopFields), usage: usageSchema, state: stateField }),
  namedEvent('message_stop', {}),
  namedEvent('error', { error: z.strictObject({ type: z.string(), message: z.string() }) }),
])

/** Anthropic's messages. Every conversation is kept as if it were marked by `cache_control`. */
export const messages = apiRoute({
  method: 'post',
  path: '/v1/messages',
  summary: 'Answer a conversation, as Anthropic does; what a known state has read is not read again.',
  event: eventSchema,
  input,
  output,
  async answer(request, call) {
    const id = `msg_${randomUUID().replaceAll('-', '')}`
    const { model, state, temperature, top_p: topP, top_k: topK, stop_sequences: stop } = request
    const how = { model, state, temperature, topP, topK, stop, maxTokens: request.max_tokens }
    const asked = { ...askedOf(request), ...how }
    if (!request.stream) return view(id, await answer(call, asked))
    return {
      events: async send => {
        const stream = messageEvents({ id, model: await modelShown(call.client, request) }, send)
        stream.end(await answer(call, asked, stream.piece))
      },
      failed: ({ code, message }) => ({ event: 'error', data: { type: 'error', error: { type: code, message } } }),
    }
  },
})

/** Throws `E_BAD_INPUT`, `E_NOT_SUPPORTED`. */
export function askedOf(request: Pick<Request, 'messages' | 'system' | 'tools' | 'tool_choice'>) {
  const { system, messages } = request
  const first = system === undefined ? [] : [{ role: 'system' as const, content: system }]
  return { asked: readMessages([...first, ...messages.flat()]), ...toolsAsked(request) }
}

function view(id: string, answered: Answered): z.output<typeof output> {
  return {
    ...{ id, type: 'message', role: 'assistant', model: answered.model },
    content: blocks(answered),
    ...stopOf(answered),
    usage: usageOf(answered),
    state: answered.state,
  }
}

/** A text, where something is said or nothing called, then the call; one that was cut has no arguments that could be read. */
function blocks({ text, toolCall }: Answered): z.output<typeof output>['content'] {
  const said = text === '' && toolCall !== null ? [] : [{ type: 'text' as const, text }]
  if (toolCall === null) return said
  const { name, arguments: given, isWhole } = toolCall
  return [...said, { type: 'tool_use', id: newCallId(), name, input: isWhole ? JSON.parse(given) : {} }]
}

function stopOf({ stopText, isWhole, toolCall }: Answered) {
  const ended = toolCall === null ? 'end_turn' : 'tool_use'
  const reason = stopText !== null ? 'stop_sequence' : isWhole ? ended : 'max_tokens'
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
  }
  /** The block that is being written. */
  let index = -1
  let isText = false
  const start = (content_block: { type: string; [field: string]: unknown }) => {
    if (index >= 0) emit('content_block_stop', { index })
    index += 1
    isText = content_block.type === 'text'
    emit('content_block_start', { index, content_block })
  }
  return {
    piece(piece: string, of?: CallPart) {
      begin(model)
      if (of === 'name') return start({ type: 'tool_use', id: newCallId(), name: piece, input: {} })
      if (of === undefined && !isText) start({ type: 'text', text: '' })
      const delta =
        of === undefined ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece }
      emit('content_block_delta', { index, delta })
    },
    end(answered: Answered) {
      begin(answered.model)
      if (index < 0) start({ type: 'text', text: '' })
      emit('content_block_stop', { index })
      emit('message_delta', { delta: stopOf(answered), usage: usageOf(answered), state: answered.state })
      emit('message_stop')
    },
  }
}
