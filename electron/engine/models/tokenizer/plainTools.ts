/**
 * Tools for a chat template that does not know them: they are told of in the system message (or, where the template has none
 * or moves it, at the beginning of the first question), calls are words of the assistant, and what they give is words of the
 * user. The marks are those of Hermes and Qwen, which most models have seen.
 */
import type { Tool, ToolCall } from '#shared/domain/tool.ts'
import type { ChatMessage } from './chat.ts'
import { jsonOf } from './templateJson.ts'
import { templateTool } from './templateTools.ts'
import { toValue } from './templateValues.ts'

/** What a call is written between, around its name and its arguments; in one line, since to some models its end is an answer's. */
export const PLAIN_CALL = {
  tag: '<tool_call>',
  open: '<tool_call>{"name": "',
  middle: '", "arguments": ',
  close: '}</tool_call>',
} as const

export interface PlainTools {
  readonly tools: readonly Tool[] | undefined
  readonly place: 'system' | 'user'
}

/** The same conversation in messages of the system, the user and the assistant alone, which take turns. */
export function withPlainTools(messages: readonly ChatMessage[], { tools, place }: PlainTools): ChatMessage[] {
  const told: ChatMessage[] = []
  for (const message of messages) {
    const { role, content } = plain(message)
    const last = told.at(-1)
    if (last?.role === role) told[told.length - 1] = { role, content: `${last.content}\n\n${content}` }
    else told.push({ role, content })
  }
  if (tools === undefined) return told
  const [first, ...rest] = told
  const text = toolsText(tools)
  if (place === 'user') {
    const asked = told.findIndex(({ role }) => role === 'user')
    return told.map((message, i) => (i === asked ? { ...message, content: `${text}\n\n${message.content}` } : message))
  }
  if (first?.role === 'system') return [{ role: 'system', content: `${first.content}\n\n${text}` }, ...rest]
  return [{ role: 'system', content: text }, ...told]
}

function plain({ role, content, toolCalls = [] }: ChatMessage): { role: string; content: string } {
  if (role === 'tool') return { role: 'user', content: `<tool_response>\n${content}\n</tool_response>` }
  return { role, content: [content, ...toolCalls.map(callText)].filter(text => text !== '').join('\n') }
}

function callText(call: ToolCall): string {
  const { open, middle, close } = PLAIN_CALL
  return open + call.name + middle + spaced(JSON.parse(call.arguments)) + close
}

function toolsText(tools: readonly Tool[]): string {
  const { open, middle, close } = PLAIN_CALL
  return [
    'You may call one of these tools, each given as JSON:',
    '<tools>',
    ...tools.map(tool => spaced(templateTool(tool))),
    '</tools>',
    'To call one, write its name and its arguments:',
    `${open}NAME${middle}{"ARGUMENT": "VALUE"}${close}`,
    'What it gives comes next, between <tool_response> and </tool_response>.',
  ].join('\n')
}

/** JSON on one line, as models are led to write it. */
function spaced(value: unknown): string {
  return jsonOf(toValue(value), { indent: null, separators: null, sorted: false, ascii: false })
}
