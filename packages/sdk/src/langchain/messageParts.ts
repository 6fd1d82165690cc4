import { type BaseMessage, isAIMessage, isToolMessage } from '@langchain/core/messages'
import { StatePackError } from '../../../../shared/domain/error.ts'

const ROLES: Readonly<Record<string, 'system' | 'user' | 'assistant'>> = {
  system: 'system',
  human: 'user',
  ai: 'assistant',
}

/** A message as the server takes it. Throws `E_NOT_SUPPORTED` for one of another kind, and for content that is not text. */
export function saidOf(message: BaseMessage): Record<string, unknown> {
  if (isToolMessage(message)) return { role: 'tool', content: textOf(message), tool_call_id: message.tool_call_id }
  const role = ROLES[message.type]
  if (role === undefined)
    throw new StatePackError('E_NOT_SUPPORTED', `Messages of the kind “${message.type}” are not supported.`)
  const content = textOf(message)
  if (!isAIMessage(message) || message.tool_calls === undefined || message.tool_calls.length === 0)
    return { role, content }
  const tool_calls = message.tool_calls.map(({ id, name, args }) => {
    return { id, type: 'function', function: { name, arguments: JSON.stringify(args) } }
  })
  return { role, content, tool_calls }
}

function textOf({ content }: BaseMessage): string {
  if (typeof content === 'string') return content
  const texts = content.map(part => {
    if (part.type === 'text' && typeof part.text === 'string') return part.text
    throw new StatePackError('E_NOT_SUPPORTED', `Content of the kind “${part.type}” is not supported.`)
  })
  return texts.join('\n\n')
}
