import { z } from 'zod'
import type { Tool, ToolChoice } from '#shared/domain/tool.ts'
import { count } from '#shared/rpc/methods/views.ts'
import type { Answered } from './answer.ts'
import { stateField } from './openAi.ts'
import { newCallId } from './tools.ts'

const status = z.enum(['in_progress', 'completed', 'incomplete', 'failed'])
export const partSchema = z.strictObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
})
export const messageSchema = z.strictObject({
  ...{ id: z.string(), type: z.literal('message'), status, role: z.literal('assistant') },
  content: z.array(partSchema),
})
export const callSchema = z.strictObject({
  ...{ id: z.string(), type: z.literal('function_call'), status, call_id: z.string() },
  ...{ name: z.string(), arguments: z.string() },
})
/** What a response consists of. */
export const itemSchema = z.union([messageSchema, callSchema])
const toolSchema = z.strictObject({
  ...{ type: z.literal('function'), name: z.string(), description: z.string().nullable() },
  ...{ parameters: z.record(z.string(), z.unknown()).nullable(), strict: z.boolean() },
})
/** A response, as OpenAI's clients read it. */
export const responseSchema = z.strictObject({
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
  output: z.array(itemSchema),
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

export type Response = z.output<typeof responseSchema>

/** What a response repeats of its request. */
export interface Told {
  readonly model?: string | undefined
  readonly instructions?: string | null | undefined
  readonly max_output_tokens?: number | null | undefined
  readonly metadata?: Record<string, unknown> | null | undefined
  readonly previous_response_id?: string | null | undefined
  readonly store?: boolean | null | undefined
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly tools: readonly Tool[]
  readonly tool_choice?: ToolChoice | null | undefined
}

/** Ids of a response and of what it consists of. */
export interface ResponseIds {
  readonly id: string
  readonly message: string
  readonly call: string
  /** What the call's result is named by. */
  readonly callId: string
  /** Seconds since 1970. */
  readonly createdAt: number
}

export function idsOf(id: string, createdAt: number): ResponseIds {
  const own = id.slice('resp_'.length)
  return { id, message: `msg_${own}`, call: `fc_${own}`, callId: newCallId(), createdAt }
}

/** `answered` null: it has begun. */
export function responseView(request: Told, ids: ResponseIds, answered: Answered | null): Response {
  const isCut = answered !== null && !answered.isWhole
  const state = answered === null ? 'in_progress' : isCut ? 'incomplete' : 'completed'
  return {
    ...{ id: ids.id, object: 'response', created_at: ids.createdAt, status: state, error: null },
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

function choiceOf({ tool_choice: choice }: Told): z.output<typeof responseSchema>['tool_choice'] {
  if (choice === null || choice === undefined) return 'auto'
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.name }
}

/** What a response consists of: its text, where it says something or calls nothing, then the call of a tool. */
function items(ids: ResponseIds, answered: Answered): z.output<typeof responseSchema>['output'] {
  const { text, toolCall } = answered
  return [
    ...(text === '' && toolCall !== null ? [] : [messageItem(ids.message, answered)]),
    ...(toolCall === null ? [] : [callItem(ids, toolCall)]),
  ]
}

export function callItem(
  { call, callId }: ResponseIds,
  said: Partial<NonNullable<Answered['toolCall']>>,
): z.output<typeof callSchema> {
  const { name = '', arguments: given = '', isWhole } = said
  const how = isWhole === undefined ? 'in_progress' : isWhole ? 'completed' : 'incomplete'
  return { id: call, type: 'function_call', status: how, call_id: callId, name, arguments: given }
}

export function messageItem(
  id: string,
  answered: Pick<Answered, 'text' | 'isWhole'> | null,
): z.output<typeof messageSchema> {
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
