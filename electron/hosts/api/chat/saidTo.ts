import { StatePackError } from '#shared/domain/error.ts'
import type { Tool } from '#shared/domain/tool.ts'
import type { Asked } from './conversation.ts'

/**
 * Turns as the engine takes them, without a state or after one. Throws `E_BAD_INPUT` where more is said to a state than what
 * is new.
 */
export function saidTo(state: string | undefined, { question, system, turns }: Asked, tools?: readonly Tool[]) {
  if (state !== undefined && (system !== undefined || turns.some(({ role }) => role !== 'tool'))) {
    const message =
      'A state knows what was said before: send only the new user message (or what its tool gave) with it.'
    throw new StatePackError('E_BAD_INPUT', message, { field: 'messages' })
  }
  return { delta: question, chat: true, system, turns: [...turns], tools: tools && [...tools] }
}
