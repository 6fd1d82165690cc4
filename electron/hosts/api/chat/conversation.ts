import { StatePackError } from '#shared/domain/error.ts'

export interface Message {
  readonly role: 'system' | 'developer' | 'user' | 'assistant'
  readonly content: string
}

export interface Asked {
  readonly system: string | undefined
  /** The user and the assistant alternately, an answer last. */
  readonly turns: { role: 'user' | 'assistant'; content: string }[]
  readonly question: string
}

/**
 * The messages of a request as the engine takes them: what the system says first, turns, the question last. Messages of one
 * role that follow each other are one. Throws `E_BAD_INPUT`, `E_NOT_SUPPORTED`.
 */
export function readMessages(messages: readonly Message[]): Asked {
  const firstTurn = messages.findIndex(({ role }) => role === 'user' || role === 'assistant')
  const opening = firstTurn < 0 ? messages : messages.slice(0, firstTurn)
  const system = opening.map(({ content }) => content).join('\n\n')
  const turns: Asked['turns'] = []
  for (const { role, content } of messages.slice(opening.length)) {
    if (role !== 'user' && role !== 'assistant')
      throw new StatePackError(
        'E_NOT_SUPPORTED',
        'System messages stand before the first turn; a later one is not supported.',
      )
    const last = turns.at(-1)
    if (last?.role === role) turns[turns.length - 1] = { role, content: `${last.content}\n\n${content}` }
    else turns.push({ role, content })
  }
  if (turns.some(({ content }) => content.trim() === ''))
    throw new StatePackError('E_EMPTY_TEXT', 'A message is empty.')
  const asked = turns.pop()
  if (asked?.role !== 'user')
    throw new StatePackError(
      'E_NOT_SUPPORTED',
      'The last message is what the user asks; going on with an answer is not supported.',
    )
  if (turns[0]?.role === 'assistant')
    throw new StatePackError('E_NOT_SUPPORTED', 'A conversation begins with what the user says.')
  return { system: system === '' ? undefined : system, turns, question: asked.content }
}
