/** Tools that a model may call: what they are, calls of them, and what they gave. */
import { z } from 'zod'

/** As OpenAI and Anthropic both have them. */
export const toolNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'a name of 1 to 64 letters, digits, _ and - is expected')

/** Tools of one conversation, and characters of all of them as JSON: a model reads every one. */
export const MOST_TOOLS = 128
const MOST_TOOL_CHARACTERS = 256 * 1024

export const toolSchema = z.strictObject({
  name: toolNameSchema,
  description: z.string().optional(),
  /** A JSON schema of its arguments, an object; absent: it takes none. */
  parameters: z.record(z.string(), z.unknown()).optional(),
})
export type Tool = z.infer<typeof toolSchema>

export const toolsSchema = z
  .array(toolSchema)
  .min(1)
  .max(MOST_TOOLS)
  .refine(tools => new Set(tools.map(({ name }) => name)).size === tools.length, 'two tools have one name')
  .refine(tools => JSON.stringify(tools).length <= MOST_TOOL_CHARACTERS, `at most ${MOST_TOOL_CHARACTERS} characters`)

/** `auto`: the model decides; `required`: it calls one; a name: it calls that one. */
export const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  z.strictObject({ name: toolNameSchema }),
])
export type ToolChoice = z.infer<typeof toolChoiceSchema>

/** Whether a text is JSON of an object, as arguments are. */
export function isArguments(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

const toolCallSchema = z.strictObject({
  name: toolNameSchema,
  /** A JSON text, since the order of an object's members is part of what was written. */
  arguments: z.string().refine(isArguments, 'the arguments of a call are JSON of an object'),
})
export type ToolCall = z.infer<typeof toolCallSchema>

/** Of a call that is being written: the name comes at once, the arguments piece by piece. */
export const callPartSchema = z.enum(['name', 'arguments'])
export type CallPart = z.infer<typeof callPartSchema>

/** A message of a conversation, after what the system says. */
export const saidMessageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string(),
    toolCalls: z.array(toolCallSchema).min(1).max(MOST_TOOLS).optional(),
  }),
  /** What a call gave. */
  z.strictObject({
    role: z.literal('tool'),
    content: z.string(),
    /** Of the tool; absent: of the next call that nothing has answered. */
    name: toolNameSchema.optional(),
  }),
])

export type SaidMessage = z.infer<typeof saidMessageSchema>

/** Whether messages need more than who said them. */
export function haveTools(messages: readonly { role: string; toolCalls?: readonly ToolCall[] | undefined }[]): boolean {
  return messages.some(({ role, toolCalls }) => role === 'tool' || toolCalls !== undefined)
}

/** Tools of their JSON text; null for any other text. */
export function toolsOf(text: string): readonly Tool[] | null {
  try {
    return toolsSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
