/** What a response was asked, as OpenAI lists it. */
import { z } from 'zod'
import { toolNameSchema } from '#shared/domain/tool.ts'
import type { Message } from './conversation.ts'
import { joined, partsSchema } from './fields.ts'
import { callSchema, messageSchema } from './response.ts'
import { argumentsSchema } from './tools.ts'

const sentFields = { id: z.string().optional(), status: z.string().nullish() }
const callId = z.string().min(1)
const done = 'completed' as const

/** One item of a request: what it says to the model, and what it is in a list, without its id. */
interface SentItem {
  readonly message: Message
  readonly item: WithoutId<InputItem>
}
type WithoutId<Item> = Item extends unknown ? Omit<Item, 'id'> : never

const textSchema = z.strictObject({ type: z.literal('input_text'), text: z.string() })
export const inputItemSchema = z.union([
  z.strictObject({
    ...{ id: z.string(), type: z.literal('message'), status: z.literal(done) },
    ...{ role: z.enum(['system', 'developer', 'user']), content: z.array(textSchema) },
  }),
  messageSchema,
  callSchema,
  z.strictObject({
    ...{ id: z.string(), type: z.literal('function_call_output'), status: z.literal(done), call_id: z.string() },
    output: z.union([z.string(), z.array(textSchema)]),
  }),
])
type InputItem = z.output<typeof inputItemSchema>

const OTHER = 'input other than messages, calls of functions and their output is not supported by this server'
/** What is wrong with it is then said by its own schema. */
function isKnown(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false
  const type = 'type' in item ? item.type : 'role' in item ? 'message' : null
  return type === 'message' || type === 'function_call' || type === 'function_call_output'
}

const sentItemSchema = z.union(
  [
    z
      .strictObject({
        type: z.literal('message').optional(),
        role: z.enum(['system', 'developer', 'user', 'assistant']),
        content: partsSchema,
        ...sentFields,
      })
      .transform(({ role, content }): SentItem => said(role, content)),
    z
      .strictObject({
        ...{ type: z.literal('function_call'), call_id: callId, name: toolNameSchema, arguments: argumentsSchema },
        ...sentFields,
      })
      .transform(({ call_id, name, arguments: given }): SentItem => {
        return {
          message: { role: 'assistant', content: '', calls: [{ id: call_id, name, arguments: given }] },
          item: { type: 'function_call', status: done, call_id, name, arguments: given },
        }
      }),
    z
      .strictObject({ type: z.literal('function_call_output'), call_id: callId, output: partsSchema, ...sentFields })
      .transform(({ call_id, output }): SentItem => {
        const [only = ''] = output
        return {
          message: { role: 'tool', content: joined(output), callId: call_id },
          item: {
            ...{ type: 'function_call_output', status: done, call_id },
            output: output.length === 1 ? only : output.map(inputText),
          },
        }
      }),
  ],
  { error: ({ input }) => (isKnown(input) ? undefined : OTHER) },
)
/** A text that the user says, or items. */
export const sentInputSchema = z.union([
  z.string().transform(text => [said('user', [text])]),
  z.array(sentItemSchema).min(1),
])

function said(role: 'system' | 'developer' | 'user' | 'assistant', parts: readonly string[]): SentItem {
  const message: Message = { role, content: joined(parts) }
  if (role !== 'assistant')
    return { message, item: { type: 'message', status: done, role, content: parts.map(inputText) } }
  const content = parts.map(text => ({ type: 'output_text' as const, text, annotations: [] }))
  return { message, item: { type: 'message', status: done, role, content } }
}

function inputText(text: string): z.output<typeof textSchema> {
  return { type: 'input_text', text }
}

/** In the order of the request, with ids of their own: a client may have sent one twice. */
export function inputItems(responseId: string, sent: readonly SentItem[]): InputItem[] {
  const own = responseId.slice('resp_'.length)
  const kinds = { message: 'msg', function_call: 'fc', function_call_output: 'fco' }
  return sent.map(({ item }, place) => ({ id: `${kinds[item.type]}_${own}_${place}`, ...item }))
}
