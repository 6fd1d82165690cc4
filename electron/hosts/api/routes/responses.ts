import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { sha256 } from '#engine/sha256.ts'
import { hexOf, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { type ApiRoute, apiRoute } from '../apiRoute.ts'
import { type Answered, type AnswerRequest, answer } from '../chat/answer.ts'
import { readMessages } from '../chat/conversation.ts'
import {
  DEFAULT_TOKENS,
  effortSchema,
  labelFields,
  outputFormat,
  responseStreamOptions,
  samplingFields,
  stateSchema,
  tokensSchema,
  unsupported,
  verbositySchema,
} from '../chat/fields.ts'
import { inputItems, sentInputSchema } from '../chat/inputItems.ts'
import { now } from '../chat/openAi.ts'
import { idsOf, type Response, responseSchema, responseView } from '../chat/response.ts'
import { responseEventSchema } from '../chat/responseEventSchema.ts'
import { responseEvents } from '../chat/responseEvents.ts'
import { responseToolFields, toolsAsked } from '../chat/tools.ts'
import { modelShown } from './modelOf.ts'

const input = z.strictObject({
  model: z.string().optional(),
  input: sentInputSchema,
  instructions: z.string().nullish(),
  /** Go on from the state that this response led to. */
  previous_response_id: z.string().min(1).max(200).nullish(),
  /** An extension: go on from this state instead. */
  state: stateSchema,
  /** Keep the conversation's state on disk (default), so that going on works after a restart; else it is kept in memory. */
  store: z.boolean().nullish(),
  max_output_tokens: tokensSchema.nullish(),
  ...samplingFields,
  stream: z.boolean().nullish(),
  stream_options: responseStreamOptions.nullish(),
  top_logprobs: z.literal(0, unsupported('giving log-probabilities with a response')).nullish(),
  text: z.strictObject({ format: outputFormat.nullish(), verbosity: verbositySchema.nullish() }).nullish(),
  reasoning: z.strictObject({ effort: effortSchema.nullish() }).nullish(),
  truncation: z.literal('disabled', { error: 'truncation is not supported by this server' }).nullish(),
  include: z.array(z.never({ error: 'including more is not supported by this server' })).nullish(),
  background: z.literal(false, { error: 'answering in the background is not supported by this server' }).nullish(),
  ...labelFields,
  ...responseToolFields,
})
type Request = z.output<typeof input>

/** Ids of answers whose states are only in memory; the oldest is forgotten. */
const MOST_IN_MEMORY = 10_000

/** OpenAI's responses: `previous_response_id` is a state. */
export function responsesRoute(): ApiRoute {
  const inMemory = new Map<string, string>()
  return apiRoute({
    method: 'post',
    path: '/v1/responses',
    summary: 'Answer, and go on from an earlier answer by its id, as OpenAI does: the id stands for a state.',
    event: responseEventSchema,
    input,
    output: responseSchema,
    async answer(request, call) {
      const asked = askedOf(request, id => inMemory.get(id) ?? id)
      const goOn = (...how: Parameters<typeof answer>) => answer(...how).catch(error => throwUnkept(error, request))
      const createdAt = now()
      /** Keeps a response, so that it can be had again; false: another request has its id. */
      const keep = async (response: Response, { state, stored, of }: Answered) => {
        const { id } = response
        if (stored === null) {
          inMemory.set(id, state)
          const [oldest = ''] = inMemory.keys()
          if (inMemory.size > MOST_IN_MEMORY) inMemory.delete(oldest)
          return true
        }
        const digest = sha256(JSON.stringify(request))
        const what = { ...{ id, state: stored, of, request: digest, response }, input: inputItems(id, request.input) }
        const { isKept } = await call.client.call('answers.keep', what, { signal: call.signal })
        return isKept
      }
      const own = () => idsOf(`resp_${randomUUID().replaceAll('-', '')}`, createdAt)
      if (!request.stream) {
        const answered = await goOn(call, asked)
        // The id of its state is that of a stored response: whoever looks there, or deletes it, means that one.
        const ids = answered.stored === null ? own() : idsOf(`resp_${hexOf(answered.state)}`, createdAt)
        const response = responseView(request, ids, answered)
        if (await keep(response, answered)) return response
        const another = responseView(request, own(), answered)
        await keep(another, answered)
        return another
      }
      // Its id is told before its state is known.
      const ids = own()
      const event = numbered()
      return {
        events: async send => {
          const told = { ...request, model: await modelShown(call.client, asked) }
          const stream = responseEvents(told, ids, (type, more) => send(event(type, more)))
          const answered = await goOn(call, asked, stream.piece)
          const response = responseView(told, ids, answered)
          await keep(response, answered)
          stream.end(answered, response)
        },
        failed: ({ code, message }) => event('error', { code, message, param: null }),
      }
    },
  })
}

/** Gives the events of a stream their numbers. */
function numbered() {
  let number = 0
  return (type: string, more: object) => ({ event: type, data: { type, sequence_number: number++, ...more } })
}

/** An id is the content address of the state, or stands for it. */
function askedOf(request: Request, lookUp: (id: string) => string): AnswerRequest & { durable: boolean } {
  const { previous_response_id: previous, instructions, model, temperature, top_p: topP } = request
  const messages = request.input.map(({ message }) => message)
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
    jsonSchema: request.text?.format ?? undefined,
    ...toolsAsked(request),
    durable: request.store ?? true,
  }
}

/** Throws it; says what to do where it is the state of the response to go on from that is not there. */
function throwUnkept(error: unknown, { previous_response_id: id }: Request): never {
  const { code, details } = toStatePackError(error)
  if (!id || code !== 'E_NOT_FOUND' || details.ref === undefined) throw error
  const message =
    'The state of this response is not here: one that was stored is kept for 30 days after its last use (less where the disk is short), another while the server runs. Send the whole conversation instead, without previous_response_id.'
  throw new StatePackError(code, message, { field: 'previous_response_id', id: id.slice(0, 200) })
}

function stateOf(id: string): string {
  const [, hex] = /^resp_([0-9a-f]{64})$/.exec(id) ?? []
  return hex === undefined ? id : parseDigest(hex)
}
