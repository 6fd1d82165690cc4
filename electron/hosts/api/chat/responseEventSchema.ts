import { z } from 'zod'
import { count } from '#shared/rpc/methods/views.ts'
import { namedEvent } from './namedEvent.ts'
import { itemSchema, partSchema, responseSchema } from './response.ts'

const numbered = { sequence_number: count }
const whole = { ...numbered, response: responseSchema }
const item = { ...numbered, output_index: count, item: itemSchema }
const inItem = { ...numbered, item_id: z.string(), output_index: count }
const inPart = { ...inItem, content_index: count }
const logprobs = z.array(z.never())

/** What a streamed response says, as OpenAI's clients read it. */
export const responseEventSchema = z.discriminatedUnion('event', [
  namedEvent('response.created', whole),
  namedEvent('response.in_progress', whole),
  namedEvent('response.output_item.added', item),
  namedEvent('response.content_part.added', { ...inPart, part: partSchema }),
  namedEvent('response.output_text.delta', { ...inPart, delta: z.string(), logprobs }),
  namedEvent('response.output_text.done', { ...inPart, text: z.string(), logprobs }),
  namedEvent('response.content_part.done', { ...inPart, part: partSchema }),
  namedEvent('response.function_call_arguments.delta', { ...inItem, delta: z.string() }),
  namedEvent('response.function_call_arguments.done', { ...inItem, name: z.string(), arguments: z.string() }),
  namedEvent('response.output_item.done', item),
  namedEvent('response.completed', whole),
  namedEvent('response.incomplete', whole),
  namedEvent('error', { ...numbered, code: z.string(), message: z.string(), param: z.null() }),
])
