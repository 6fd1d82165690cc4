import { StatePackError } from '#shared/domain/error.ts'
import type { SaidMessage } from '#shared/domain/tool.ts'

/** A call of a tool, and what its result is named by. */
interface Call {
  readonly id: string
  readonly name: string
  /** JSON of an object. */
  readonly arguments: string
}

export type Message =
  | { readonly role: 'system' | 'developer' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly calls?: readonly Call[] | undefined }
  | { readonly role: 'tool'; readonly content: string; readonly callId: string }

export interface Asked {
  readonly system: string | undefined
  /** The user and the assistant alternately, what tools gave after their calls; an answer last, or such a result. */
  readonly turns: readonly SaidMessage[]
  /** Nothing where the turns end with what a tool gave. */
  readonly question: string
}

/**
 * The messages of a request as the engine takes them: what the system says first, turns, the question last. Messages of one
 * role that follow each other are one. Throws `E_BAD_INPUT`, `E_NOT_SUPPORTED`.
 */
export function readMessages(messages: readonly Message[]): Asked {
  const firstTurn = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer')
  const opening = firstTurn < 0 ? messages : messages.slice(0, firstTurn)
  const system = opening.map(({ content }) => content).join('\n\n')
  const names = new Map<string, string>()
  const turns: SaidMessage[] = []
  for (const message of messages.slice(opening.length)) {
    const last = turns.at(-1)
    const next = turnOf(message, names)
    const joined = last === undefined ? null : join(last, next)
    if (joined === null) turns.push(next)
    else turns[turns.length - 1] = joined
  }
  if (turns.some(isEmpty)) throw new StatePackError('E_EMPTY_TEXT', 'A message is empty.')
  const last = turns.at(-1)
  if (last === undefined || last.role === 'assistant')
    throw new StatePackError(
      'E_NOT_SUPPORTED',
      'The last message is what the user asks, or what a tool gave; going on with an answer is not supported.',
    )
  if (turns[0]?.role === 'assistant')
    throw new StatePackError('E_NOT_SUPPORTED', 'A conversation begins with what the user says.')
  const isAsked = last.role === 'user'
  return {
    system: system === '' ? undefined : system,
    turns: isAsked ? turns.slice(0, -1) : turns,
    question: isAsked ? last.content : '',
  }
}

function turnOf(message: Message, names: Map<string, string>): SaidMessage {
  const { role, content } = message
  if (role === 'user') return { role, content }
  if (role === 'assistant') {
    const calls = message.calls ?? []
    for (const { id, name } of calls) names.set(id, name)
    if (calls.length === 0) return { role, content }
    return { role, content, toolCalls: calls.map(({ name, arguments: given }) => ({ name, arguments: given })) }
  }
  if (role === 'tool') {
    const name = names.get(message.callId)
    // Without a call in the request, the state that it goes on from has made it.
    if (name !== undefined || names.size === 0) return { role, content, name }
    const told = `No call before it has the id ${message.callId}, which a result of a tool names.`
    throw new StatePackError('E_BAD_INPUT', told, { field: 'messages', id: message.callId })
  }
  throw new StatePackError(
    'E_NOT_SUPPORTED',
    'System messages stand before the first turn; a later one is not supported.',
  )
}

/** Two messages as one, where one follows the other of its role. */
function join(last: SaidMessage, next: SaidMessage): SaidMessage | null {
  const content = [last.content, next.content].filter(text => text !== '').join('\n\n')
  if (last.role === 'user' && next.role === 'user') return { role: 'user', content }
  if (last.role !== 'assistant' || next.role !== 'assistant') return null
  const toolCalls = [...(last.toolCalls ?? []), ...(next.toolCalls ?? [])]
  return { role: 'assistant', content, ...(toolCalls.length === 0 ? {} : { toolCalls }) }
}

/** What a tool gave may be nothing, and so may an answer: whoever had one from a model sends it back. */
function isEmpty({ role, content }: SaidMessage): boolean {
  return role === 'user' && content.trim() === ''
}
