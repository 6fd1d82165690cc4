/** Messages and tools as chat templates know them: the shapes of OpenAI's API, arguments as values. */
import type { Tool } from '#shared/domain/tool.ts'
import type { ChatMessage } from './chat.ts'

/** Ids are left out: a template that wrote them would write another text each time. */
export function templateMessage({ role, content, toolCalls, name }: ChatMessage) {
  const calls = toolCalls?.map(call => ({
    type: 'function',
    function: { name: call.name, arguments: JSON.parse(call.arguments) as unknown },
  }))
  return {
    ...{ role, content },
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(name === undefined ? {} : { name }),
  }
}

export function templateTool({ name, description, parameters }: Tool) {
  return {
    type: 'function',
    function: { name, ...(description === undefined ? {} : { description }), parameters: parameters ?? NOTHING },
  }
}

/** The arguments of a tool that takes none. */
export const NOTHING = { type: 'object', properties: {}, additionalProperties: false }
