import { StatePackError } from '#shared/domain/error.ts'
import type { BlobSource } from '../live/unstoredPackets.ts'
import { openingOf, turnOf } from '../models/tokenizer/conversation.ts'
import { civilNow } from '../models/tokenizer/strftime.ts'
import { tokenizerOf } from './composeText.ts'
import { type Delta, plainDelta } from './growState.ts'
import type { OpenedState } from './openState.ts'
import { readConversation } from './readConversation.ts'

export interface DeltaInput {
  /** The text, or with `chat` what the user says. */
  readonly delta: string
  /** The next turn of a conversation, through the model's chat template. */
  readonly chat?: boolean | undefined
  /** System prompt of a conversation that begins here. */
  readonly system?: string | undefined
  readonly controlTokens?: 'text' | 'control' | undefined
}

/**
 * What is to be read after a state: the text as it is, or the turn that makes one conversation of it and what was read.
 * The base comes back with what is fixed when a conversation begins. Throws `E_BAD_INPUT`, `E_TOKENIZER`, storage errors.
 */
export async function deltaOf(
  blobs: BlobSource,
  base: OpenedState,
  { delta, chat, system, controlTokens }: DeltaInput,
): Promise<{ base: OpenedState; delta: Delta }> {
  const isEmpty = base.packet === null && base.tokens.length === 0 && base.tail === ''
  if (system !== undefined && !(chat && isEmpty)) {
    throw new StatePackError(
      'E_BAD_INPUT',
      'A system prompt stands at the beginning: give it when the cartridge is created, or begin a conversation with it.',
      { field: 'system' },
    )
  }
  if (!chat) return { base, delta: plainDelta(base, delta, controlTokens) }
  const tokenizer = tokenizerOf(base.loaded.model)
  if (!isEmpty) return { base, delta: turnDelta(turnOf(tokenizer, await readConversation(blobs, base), delta)) }

  const time = civilNow()
  const opening = system === undefined ? null : openingOf(tokenizer, system, { time, orPlain: true })
  const asksTime = tokenizer.renderChat([{ role: 'user', content: delta }], { time, orPlain: true }).asksTime
  const parts = turnOf(
    tokenizer,
    {
      ...{ turns: [], loose: '', lastAnswer: '', time },
      opening:
        opening === null || system === undefined
          ? null
          : { content: system, document: opening.document, text: textOf(opening.parts) },
    },
    delta,
  )
  const recipe = {
    ...base.recipe,
    systemPrompt: system ?? null,
    template: tokenizer.chatTemplate !== null,
    chat: {
      document: opening?.document ?? ('system' as const),
      ...(asksTime || opening?.asksTime ? { time } : {}),
    },
  }
  return { base: { ...base, recipe }, delta: turnDelta([...(opening?.parts ?? []), ...parts]) }
}

function turnDelta(parts: ReturnType<typeof turnOf>): Delta {
  const text = textOf(parts)
  const at = parts.findIndex(part => part.from === 'user')
  const start = Buffer.byteLength(textOf(parts.slice(0, Math.max(at, 0))))
  const said = Buffer.byteLength(textOf(parts.slice(at).filter(part => part.from === 'user')))
  return { text, said: at < 0 ? [0, 0] : [start, start + said] }
}

function textOf(parts: readonly { text: string }[]): string {
  return parts.map(part => part.text).join('')
}
