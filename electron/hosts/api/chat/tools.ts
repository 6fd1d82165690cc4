/** Tools as clients of OpenAI's and Anthropic's servers tell of them. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import {
  isArguments,
  MOST_TOOLS,
  type Tool,
  type ToolChoice,
  toolNameSchema,
  toolsSchema,
} from '#shared/domain/tool.ts'
import { cacheControl, unsupported } from './fields.ts'

const parameters = z.record(z.string(), z.unknown())
const noFunction = unsupported('a tool that is no function')
const described = { name: toolNameSchema, description: z.string().nullish() }
/** `strict` or not, arguments are chosen within the schema. */
const functionFields = { ...described, parameters: parameters.nullish(), strict: z.boolean().nullish() }

type Told = { name: string; description?: string | null | undefined; parameters?: Tool['parameters'] | null }

/** Checked together; none is the same as no tools. */
const tools = <Each extends z.ZodType>(each: Each, told: (tool: z.output<Each>) => Told) =>
  z
    .array(each)
    .max(MOST_TOOLS)
    .nullish()
    .transform(list => (list ?? []).map(tool => toolOf(told(tool))))
    .pipe(z.union([z.array(z.never()).max(0), toolsSchema]))

function toolOf({ name, description, parameters }: Told): Tool {
  return { name, ...(description ? { description } : {}), ...(parameters ? { parameters } : {}) }
}

const modes = z.enum(['none', 'auto', 'required'])
const otherChoice = unsupported('another choice of tools')
/** One call comes at a time, which both answers allow. */
const parallel_tool_calls = z.boolean().nullish()

/** Fields of `/v1/chat/completions`. */
export const chatToolFields = {
  tools: tools(
    z.strictObject({ type: z.literal('function', noFunction), function: z.strictObject(functionFields) }),
    tool => tool.function,
  ),
  tool_choice: z
    .union(
      [modes, z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: toolNameSchema }) })],
      otherChoice,
    )
    .nullish()
    .transform(choice => (typeof choice === 'object' && choice !== null ? { name: choice.function.name } : choice)),
  parallel_tool_calls,
}

/** Of `/v1/responses`. */
export const responseToolFields = {
  tools: tools(z.strictObject({ type: z.literal('function', noFunction), ...functionFields }), tool => tool),
  tool_choice: z
    .union([modes, z.strictObject({ type: z.literal('function'), name: toolNameSchema })], otherChoice)
    .nullish()
    .transform(choice => (typeof choice === 'object' && choice !== null ? { name: choice.name } : choice)),
  parallel_tool_calls,
}

/** Of `/v1/messages`. */
export const messageToolFields = {
  tools: tools(
    z.strictObject({
      ...described,
      type: z.literal('custom', unsupported('a tool of Anthropic’s own')).nullish(),
      input_schema: parameters,
      cache_control: cacheControl,
      strict: z.boolean().nullish(),
    }),
    ({ input_schema, ...tool }) => ({ ...tool, parameters: input_schema }),
  ),
  tool_choice: z
    .discriminatedUnion(
      'type',
      [
        z.strictObject({ type: z.enum(['auto', 'any']), disable_parallel_tool_use: z.boolean().optional() }),
        z.strictObject({ type: z.literal('none') }),
        z.strictObject({
          ...{ type: z.literal('tool'), name: toolNameSchema },
          disable_parallel_tool_use: z.boolean().optional(),
        }),
      ],
      otherChoice,
    )
    .optional()
    .transform((choice): ToolChoice | undefined => {
      if (choice?.type === 'tool') return { name: choice.name }
      return choice?.type === 'any' ? 'required' : choice?.type
    }),
}

/** What the result of a call is named by. */
export const newCallId = () => `call_${randomUUID().replaceAll('-', '')}`

/** Arguments as a client repeats them. */
export const argumentsSchema = z
  .string()
  // Some say nothing where there are none.
  .transform(text => (text.trim() === '' ? '{}' : text))
  .refine(isArguments, 'the arguments of a call are JSON of an object')

/** What a request says of tools. Throws `E_BAD_INPUT` for a choice of none. */
export function toolsAsked({
  tools,
  tool_choice: choice,
}: {
  readonly tools: readonly Tool[]
  readonly tool_choice?: ToolChoice | null | undefined
}): { readonly tools?: readonly Tool[]; readonly toolChoice?: ToolChoice } {
  if (tools.length > 0) return { tools, toolChoice: choice ?? 'auto' }
  if (choice === 'required' || (typeof choice === 'object' && choice !== null))
    throw new StatePackError('E_BAD_INPUT', 'There is no tool to call: send `tools` with this `tool_choice`.', {
      field: 'tool_choice',
    })
  return {}
}
