import type { Recipe } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { haveTools, type SaidMessage, type Tool } from '#shared/domain/tool.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import type { ChatMessage } from '../models/tokenizer/chat.ts'
import { type Conversation, openingOf, type TextPart, turnOf, wholeOf } from '../models/tokenizer/conversation.ts'
import { type CivilTime, civilNow } from '../models/tokenizer/strftime.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { tokenizerOf } from './composeText.ts'
import { type Delta, isUnread, type TextState } from './growState.ts'
import type { OpenedState } from './openState.ts'
import { readConversation } from './readConversation.ts'

export interface DeltaInput {
  /** The text, or with `chat` what the user says; nothing where `turns` end with what a tool gave. */
  readonly delta: string
  /** The next turn of a conversation, through the model's chat template. */
  readonly chat?: boolean | undefined
  /** System prompt of a conversation that begins here. */
  readonly system?: string | undefined
  /**
   * What was said before in a conversation that begins here: the user and the assistant alternately, what tools gave after
   * their calls, an answer or such a result last. After a state: what the tool gave that its last answer calls.
   */
  readonly turns?: readonly SaidMessage[] | undefined
  /** Tools of a conversation that begins here; after a state those that it began with. */
  readonly tools?: readonly Tool[] | undefined
  readonly controlTokens?: 'text' | 'control' | undefined
}

/**
 * What is to be read after a state: the text as it is, or the turn that makes one conversation of it and what was read.
 * The base comes back with what is fixed when a conversation begins. Throws `E_BAD_INPUT`, `E_NOT_SUPPORTED` for tools that
 * the state was not begun with, `E_TOKENIZER`, storage errors.
 */
export async function deltaOf<Base extends TextState & Pick<OpenedState, 'packet'>>(
  blobs: BlobSource,
  base: Base,
  { delta, chat, system, turns = [], tools, controlTokens }: DeltaInput,
): Promise<{ base: Base; delta: Delta }> {
  const isEmpty = base.packet === null && isUnread(base)
  if (system !== undefined && !(chat && isEmpty)) {
    throw new StatePackError(
      'E_BAD_INPUT',
      'A system prompt stands at the beginning: give it when the cartridge is created, or begin a conversation with it.',
      { field: 'system' },
    )
  }
  if (turns.length > 0 && !(chat && (isEmpty || turns.every(({ role }) => role === 'tool')))) {
    const message =
      'A state knows what was said before: earlier turns are given where a conversation begins without one.'
    throw new StatePackError('E_BAD_INPUT', message, { field: 'turns' })
  }
  if (tools !== undefined && !(chat && (isEmpty || JSON.stringify(tools) === base.recipe.tools))) {
    const message =
      'Tools stand at the beginning of a conversation, and a state keeps its own: send the whole conversation with these, without a state.'
    throw new StatePackError('E_NOT_SUPPORTED', message, { field: 'tools' })
  }
  if (!chat) return { base, delta: { text: delta, controlTokens } }
  const tokenizer = tokenizerOf(base.loaded.model)
  const isGiven = delta === '' && turns.at(-1)?.role === 'tool'
  const messages: SaidMessage[] = isGiven ? [...turns] : [...turns, { role: 'user', content: delta }]
  if (!isEmpty) {
    const conversation = await readConversation(blobs, base)
    return { base, delta: nextTurn(tokenizer, conversation, withNames(conversation.turns, messages)) }
  }
  const first = firstTurn(tokenizer, { messages: withNames([], messages), system, tools, time: civilNow() })
  const recipe = {
    ...base.recipe,
    ...{ systemPrompt: system ?? null, template: tokenizer.chatTemplate !== null, chat: first.chat },
    ...(tools === undefined ? {} : { tools: JSON.stringify(tools) }),
  }
  return { base: { ...base, recipe }, delta: first.delta }
}

/** Says of each result whose it is. Throws `E_BAD_INPUT` for one that no call waits for. */
function withNames(before: readonly ChatMessage[], messages: readonly SaidMessage[]): SaidMessage[] {
  let waiting: string[] = (before.at(-1)?.toolCalls ?? []).map(({ name }) => name)
  return messages.map(message => {
    if (message.role !== 'tool') {
      waiting = message.role === 'assistant' ? (message.toolCalls ?? []).map(({ name }) => name) : []
      return message
    }
    const place = message.name === undefined ? 0 : waiting.indexOf(message.name)
    const [name] = waiting.splice(place, place < 0 ? 0 : 1)
    if (name !== undefined) return { ...message, name }
    throw new StatePackError(
      'E_BAD_INPUT',
      'What a tool gave comes after the call that asked for it: no call waits for this.',
      { field: 'turns' },
    )
  })
}

/** What goes on with a conversation that was read: a question, or what tools gave. */
export function nextTurn(tokenizer: Tokenizer, conversation: Conversation, messages: readonly SaidMessage[]): Delta {
  return { ...turnDelta(turnOf(tokenizer, conversation, messages)), ...recorded(messages, conversation) }
}

/** Messages that the places of what was said do not tell. */
function recorded(messages: readonly SaidMessage[], { tools }: Pick<Conversation, 'tools'>): Pick<Delta, 'messages'> {
  // What is empty has no place.
  const hasEmpty = messages.length > 1 && messages.some(({ content }) => content.trim() === '')
  return tools === undefined && !haveTools(messages) && !hasEmpty ? {} : { messages }
}

export interface FirstTurn {
  /** A question, or what tools gave, last. */
  readonly messages: readonly SaidMessage[]
  readonly system?: string | undefined
  readonly tools?: readonly Tool[] | undefined
  readonly time: CivilTime
}

/** What a conversation without a document begins with, and how its recipe says that the template was used. */
export function firstTurn(
  tokenizer: Tokenizer,
  { messages, system, tools, time }: FirstTurn,
): { delta: Delta; chat: NonNullable<Recipe['chat']> } {
  const options = { time, tools, orPlain: true }
  const opening = system === undefined ? null : openingOf(tokenizer, system, options)
  const question = { role: 'user', content: messages.findLast(({ role }) => role === 'user')?.content ?? '' }
  const asksTime = tokenizer.renderChat([question], options).asksTime || (opening?.asksTime ?? false)
  const opened =
    opening === null || system === undefined
      ? null
      : { content: system, document: opening.document, text: textOf(opening.parts) }
  const parts =
    messages.length > 1
      ? wholeOf(tokenizer, { opening: opened, time, tools }, messages)
      : turnOf(tokenizer, { ...{ turns: [], loose: '', lastAnswer: '', time, tools }, opening: opened }, messages)
  return {
    delta: { ...turnDelta([...(opening?.parts ?? []), ...parts]), ...recorded(messages, { tools }) },
    chat: { document: opening?.document ?? 'system', ...(asksTime ? { time } : {}) },
  }
}

/** A turn in its parts as a text, with the places of what people said. */
function turnDelta(parts: readonly TextPart[]): Delta {
  const said: number[] = []
  let system: [number, number] | undefined
  let at = 0
  for (const part of parts) {
    const end = at + Buffer.byteLength(part.text)
    if (part.from === 'user' && said.at(-1) === at) said[said.length - 1] = end
    else if (part.from === 'user') said.push(at, end)
    else if (part.from === 'system') system ??= [at, end]
    at = end
  }
  return { text: textOf(parts), said: said.length === 0 ? [0, 0] : said, system }
}

function textOf(parts: readonly { text: string }[]): string {
  return parts.map(part => part.text).join('')
}
