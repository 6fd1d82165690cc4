import type { BaseMessage } from '@langchain/core/messages'
import { StatePackError } from '../../../../shared/domain/error.ts'

const ROLES: Readonly<Record<string, 'system' | 'user' | 'assistant'>> = {
  system: 'system',
  human: 'user',
  ai: 'assistant',
}

/** Throws `E_NOT_SUPPORTED` for messages of tools. */
export function roleOf(message: BaseMessage): 'system' | 'user' | 'assistant' {
  const role = ROLES[message.type]
  if (role !== undefined) return role
  throw new StatePackError('E_NOT_SUPPORTED', `Messages of the kind “${message.type}” are not supported.`)
}

/** Throws `E_NOT_SUPPORTED` for content that is not text. */
export function textOf({ content }: BaseMessage): string {
  if (typeof content === 'string') return content
  const texts = content.map(part => {
    if (part.type === 'text' && typeof part.text === 'string') return part.text
    throw new StatePackError('E_NOT_SUPPORTED', `Content of the kind “${part.type}” is not supported.`)
  })
  return texts.join('\n\n')
}
