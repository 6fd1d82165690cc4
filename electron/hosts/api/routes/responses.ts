import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { hexOf, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type CallPart, toolNameSchema } from '#shared/domain/tool.ts'
import { type ApiRoute, apiRoute, type ServerEvent } from '../apiRoute.ts'
import { type Answered, type AnswerRequest, answer } from '../chat/answer.ts'
import { type Message, readMessages } from '../chat/conversation.ts'
import {
  contentSchema,
  DEFAULT_TOKENS,
  labelFields,
  outputFormat,
  samplingFields,
  stateSchema,
  tokensSchema,
} from '../chat/fields.ts'
import { now, stateField } from '../chat/openAi.ts'
import { argumentsSchema, newCallId, responseToolFields, toolsAsked } from '../chat/tools.ts'

const count = z.number().int().nonnegative()

const itemFields = { id: z.string().optional(), status: z.string().nullish() }
const callId = z.string().min(1)
const itemSchema = z.union(
  [
    z
      .strictObject({
        type: z.literal('message').optional(),
        role: z.enum(['system', 'developer', 'user', 'assistant']),
        content: contentSchema,
        ...itemFields,
      })
      .transform(({ role, content }): Message => ({ role, content })),
    z
      .strictObject({
        ...{ type: z.literal('function_call'), call_id: callId, name: toolNameSchema, arguments: argumentsSchema },
        ...itemFields,
      })
      .transform(({ call_id: id, name, arguments: given }): Message => {
        return { role: 'assistant', content: '', calls: [{ id, name, arguments: given }] }
      }),
    z
      .strictObject({ type: z.literal('function_call_output'), call_id: callId, output: contentSchema, ...itemFields })
      .transform(({ call_id, output }): Message => ({ role: 'tool', content: output, callId: call_id })),
  ],
  { error: 'input other than messages, calls of functions and their output is not supported by this server' },
)

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
  ...responseToolFields,
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
const callSchema = z.strictObject({
  ...{ id: z.string(), type: z.literal('function_call'), status, call_id: z.string() },
  ...{ name: z.string(), arguments: z.string() },
})
const toolSchema = z.strictObject({
  ...{ type: z.literal('function'), name: z.string(), description: z.string().nullable() },
  ...{ parameters: z.record(z.string(), z.unknown()).nullable(), strict: z.boolean() },
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
  output: z.array(z.union([messageSchema, callSchema])),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  store: z.boolean(),
  temperature: z.number(),
  tool_choice: z.union([
    z.enum(['none', 'auto', 'required']),
    z.strictObject({ type: z.literal('function'), name: z.string() }),
  ]),
  tools: z.array(toolSchema),
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
        const hex = hexOf(answered.state)
        return view(request, idsOf(`resp_${hex}`), answered)
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
  const messages: Message[] =
    typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : request.input
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
    ...toolsAsked(request),
    durable: request.store ?? true,
  }
}

function stateOf(id: string): string {
  const [, hex] = /^resp_([0-9a-f]{64})$/.exec(id) ?? []
  return hex === undefined ? id : parseDigest(hex)
}

/** Ids of a response and of what it consists of. */
interface Ids {
  readonly id: string
  readonly message: string
  readonly call: string
  /** What the call's result is named by. */
  readonly callId: string
}

function idsOf(id: string): Ids {
  const own = id.slice('resp_'.length)
  return { id, message: `msg_${own}`, call: `fc_${own}`, callId: newCallId() }
}

function view(request: Request, ids: Ids, answered: Answered | null): z.output<typeof output> {
  const isCut = answered !== null && !answered.isWhole
  const state = answered === null ? 'in_progress' : isCut ? 'incomplete' : 'completed'
  return {
    ...{ id: ids.id, object: 'response', created_at: now(), status: state, error: null },
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model: answered?.model ?? request.model ?? '',
    output: answered === null ? [] : items(ids, answered),
    // One call comes at a time.
    parallel_tool_calls: false,
    previous_response_id: request.previous_response_id ?? null,
    store: request.store ?? true,
    temperature: request.temperature ?? 0,
    tool_choice: choiceOf(request),
    tools: request.tools.map(({ name, description = null, parameters = null }) => {
      return { type: 'function', name, description, parameters, strict: true }
    }),
    top_p: request.top_p ?? 1,
    usage: answered === null ? null : usage(answered),
    state: answered?.state ?? null,
  }
}

function choiceOf({ tool_choice: choice }: Request): z.output<typeof output>['tool_choice'] {
  if (choice === null || choice === undefined) return 'auto'
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.name }
}

/** What a response consists of: its text, where it says something or calls nothing, then the call of a tool. */
function items(ids: Ids, answered: Answered): z.output<typeof output>['output'] {
  const { text, toolCall } = answered
  return [
    ...(text === '' && toolCall !== null ? [] : [message(ids.message, answered)]),
    ...(toolCall === null ? [] : [callItem(ids, toolCall)]),
  ]
}

function callItem(
  { call, callId }: Ids,
  said: Partial<NonNullable<Answered['toolCall']>>,
): z.output<typeof callSchema> {
  const { name = '', arguments: given = '', isWhole } = said
  const how = isWhole === undefined ? 'in_progress' : isWhole ? 'completed' : 'incomplete'
  return { id: call, type: 'function_call', status: how, call_id: callId, name, arguments: given }
}

function message(id: string, answered: Pick<Answered, 'text' | 'isWhole'> | null): z.output<typeof messageSchema> {
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
  const ids = idsOf(id)
  const part = (text: string) => ({ type: 'output_text', text, annotations: [] })
  let number = 0
  let isBegun = false
  /** The place of the item that is being written, and what it is. */
  let writing: 'message' | 'call' | null = null
  let place = -1
  let text = ''
  const emit = (type: string, more: object) => send({ event: type, data: { type, sequence_number: number++, ...more } })
  const at = () => ({ item_id: writing === 'call' ? ids.call : ids.message, output_index: place })
  const begin = () => {
    if (isBegun) return
    isBegun = true
    const response = view(request, ids, null)
    emit('response.created', { response })
    emit('response.in_progress', { response })
  }
  const add = (kind: 'message' | 'call', item: object) => {
    begin()
    writing = kind
    emit('response.output_item.added', { output_index: ++place, item })
  }
  const addMessage = () => {
    if (writing === 'message') return
    add('message', message(ids.message, null))
    emit('response.content_part.added', { ...at(), content_index: 0, part: part('') })
  }
  const endMessage = (answered: Pick<Answered, 'text' | 'isWhole'>) => {
    if (writing !== 'message') return
    emit('response.output_text.done', { ...at(), content_index: 0, text: answered.text, logprobs: [] })
    emit('response.content_part.done', { ...at(), content_index: 0, part: part(answered.text) })
    emit('response.output_item.done', { output_index: place, item: message(ids.message, answered) })
  }
  return {
    piece(delta: string, of?: CallPart) {
      if (of === 'name') {
        // What is said before a call ends with it.
        endMessage({ text, isWhole: true })
        add('call', callItem(ids, { name: delta }))
        return
      }
      if (of === 'arguments') {
        emit('response.function_call_arguments.delta', { ...at(), delta })
        return
      }
      addMessage()
      text += delta
      emit('response.output_text.delta', { ...at(), content_index: 0, delta, logprobs: [] })
    },
    end(answered: Answered) {
      const { toolCall } = answered
      if (toolCall === null) {
        addMessage()
        endMessage(answered)
      } else {
        const { name, arguments: given } = toolCall
        emit('response.function_call_arguments.done', { ...at(), name, arguments: given })
        emit('response.output_item.done', { output_index: place, item: callItem(ids, toolCall) })
      }
      const response = view(request, ids, answered)
      emit(answered.isWhole ? 'response.completed' : 'response.incomplete', { response })
    },
  }
}
