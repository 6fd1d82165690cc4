import type { Recipe } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import type { ChatMessage } from '../models/tokenizer/chat.ts'
import { openingOf, type TextPart, turnOf, wholeOf } from '../models/tokenizer/conversation.ts'
import { type CivilTime, civilNow } from '../models/tokenizer/strftime.ts'
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts'
import { tokenizerOf } from './composeText.ts'
import type { Delta, TextState } from './growState.ts'
import type { OpenedState } from './openState.ts'
import { readConversation } from './readConversation.ts'

export interface DeltaInput {
  /** The text, or with `chat` what the user says. */
  readonly delta: string
  /** The next turn of a conversation, through the model's chat template. */
  readonly chat?: boolean | undefined
  /** System prompt of a conversation that begins here. */
  readonly system?: string | undefined
  /** What was said before in a conversation that begins here: the user and the assistant alternately, an answer last. */
  readonly turns?: readonly ChatMessage[] | undefined
  readonly controlTokens?: 'text' | 'control' | undefined
}

/**
 * What is to be read after a state: the text as it is, or the turn that makes one conversation of it and what was read.
 * The base comes back with what is fixed when a conversation begins. Throws `E_BAD_INPUT`, `E_TOKENIZER`, storage errors.
 */
export async function deltaOf<Base extends TextState & Pick<OpenedState, 'packet'>>(
  blobs: BlobSource,
  base: Base,
  { delta, chat, system, turns = [], controlTokens }: DeltaInput,
): Promise<{ base: Base; delta: Delta }> {
  const isEmpty = base.packet === null && base.tokens.length === 0 && base.tail === ''
  if (system !== undefined && !(chat && isEmpty)) {
    throw new StatePackError(
      'E_BAD_INPUT',
      'A system prompt stands at the beginning: give it when the cartridge is created, or begin a conversation with it.',
      { field: 'system' },
    )
  }
  if (turns.length > 0 && !(chat && isEmpty)) {
    const message =
      'A state knows what was said before: earlier turns are given where a conversation begins without one.'
    throw new StatePackError('E_BAD_INPUT', message, { field: 'turns' })
  }
  if (!chat) return { base, delta: { text: delta, controlTokens } }
  const tokenizer = tokenizerOf(base.loaded.model)
  if (!isEmpty) return { base, delta: turnDelta(turnOf(tokenizer, await readConversation(blobs, base), delta)) }

  const { chat: how, delta: first } = firstTurn(tokenizer, { question: delta, system, turns, time: civilNow() })
  const recipe = {
    ...base.recipe,
    ...{ systemPrompt: system ?? null, template: tokenizer.chatTemplate !== null, chat: how },
  }
  return { base: { ...base, recipe }, delta: first }
}

export interface FirstTurn {
  readonly question: string
  readonly system?: string | undefined
  readonly turns: readonly ChatMessage[]
  readonly time: CivilTime
}

/** What a conversation without a document begins with, and how its recipe says that the template was used. */
export function firstTurn(
  tokenizer: Tokenizer,
  { question, system, turns, time }: FirstTurn,
): { delta: Delta; chat: NonNullable<Recipe['chat']> } {
  const opening = system === undefined ? null : openingOf(tokenizer, system, { time, orPlain: true })
  const asked = { role: 'user', content: question }
  const asksTime = tokenizer.renderChat([asked], { time, orPlain: true }).asksTime || (opening?.asksTime ?? false)
  const opened =
    opening === null || system === undefined
      ? null
      : { content: system, document: opening.document, text: textOf(opening.parts) }
  const parts =
    turns.length > 0
      ? wholeOf(tokenizer, { opening: opened, time }, [...turns, asked])
      : turnOf(tokenizer, { ...{ turns, loose: '', lastAnswer: '', time }, opening: opened }, question)
  return {
    delta: turnDelta([...(opening?.parts ?? []), ...parts]),
    chat: { document: opening?.document ?? 'system', ...(asksTime ? { time } : {}) },
  }
}

/** A turn in its parts as a text, with the places of what people said. */
export function turnDelta(parts: readonly TextPart[]): Delta {
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
