import type { BaseChatModelCallOptions, BindToolsInput } from '@langchain/core/language_models/chat_models'
import type { ToolCall } from '@langchain/core/messages'
import type { InvalidToolCall } from '@langchain/core/messages/tool'
import { convertToOpenAITool } from '@langchain/core/utils/function_calling'

/** A call as the server tells it. */
export interface ServerCall {
  readonly id: string
  readonly function: { readonly name: string; readonly arguments: string }
}

/** How a call of the model says which tools there are. */
export type StatePackChatOptions = BaseChatModelCallOptions & { tools?: BindToolsInput[] }

/** What a request says of tools. */
export function toolFields({ tools, tool_choice }: StatePackChatOptions): Record<string, unknown> {
  if (tools === undefined || tools.length === 0) return {}
  return { tools: tools.map(tool => convertToOpenAITool(tool)), tool_choice: choiceOf(tool_choice) }
}

/** LangChain's `any` is any of the tools; another word is the name of one. */
function choiceOf(choice: StatePackChatOptions['tool_choice']): unknown {
  if (choice === 'any' || choice === 'required') return 'required'
  if (typeof choice !== 'string' || choice === 'auto' || choice === 'none') return choice
  return { type: 'function', function: { name: choice } }
}

/** Calls as LangChain has them: one that was cut before its end is invalid. */
export function callsOf(calls: readonly ServerCall[] = []): {
  tool_calls: ToolCall[]
  invalid_tool_calls: InvalidToolCall[]
} {
  const read = { tool_calls: [] as ToolCall[], invalid_tool_calls: [] as InvalidToolCall[] }
  for (const { id, function: called } of calls) {
    try {
      read.tool_calls.push({ type: 'tool_call', id, name: called.name, args: JSON.parse(called.arguments) })
    } catch {
      const error = 'The answer was cut before the call was whole.'
      read.invalid_tool_calls.push({ type: 'invalid_tool_call', id, name: called.name, args: called.arguments, error })
    }
  }
  return read
}
