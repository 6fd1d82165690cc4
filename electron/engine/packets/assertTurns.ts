import { setImmediate } from 'node:timers/promises'
import { canonicalText } from '../canonicalJson.ts'
import type { ChatMessage } from '../models/tokenizer/chat.ts'
import { turnOf } from '../models/tokenizer/conversation.ts'
import { civilNow } from '../models/tokenizer/strftime.ts'
import { tokenizerOf } from './composeText.ts'
import { firstTurn, turnDelta } from './deltaOf.ts'
import type { Delta } from './growState.ts'
import { conversationOf } from './readConversation.ts'
import { notFollowed, type ReplayedTurn } from './replayRecipe.ts'

/** Every turn is rendered with all before it. No model reads a conversation of more. */
const MOST = 1024

/**
 * What a recipe calls a turn must be what the chat template makes of what was said: else a stranger's words, control tokens
 * among them, would pass for the template's own. `texts`: the sources, in their order. Throws `E_NOT_RECOMPUTED`.
 */
export async function assertTurns(turns: readonly ReplayedTurn[], texts: readonly Uint8Array[]): Promise<void> {
  if (turns.length > MOST) throw notFollowed(`it has more than ${MOST} turns`)
  for (const turn of turns) {
    const { text, said, system } = turn.delta
    const again = renderedAgain(turn, texts)
    if (canonicalText([text, said, system ?? null]) !== canonicalText([again.text, again.said, again.system ?? null]))
      throw notFollowed('it calls a text a turn of a conversation that the chat template does not write so')
    // Whoever waits for the engine meanwhile is not kept waiting.
    await setImmediate()
  }
}

function renderedAgain({ before, delta }: ReplayedTurn, texts: readonly Uint8Array[]): Delta {
  const tokenizer = tokenizerOf(before.loaded.model)
  const messages = messagesIn(delta)
  const question = messages.at(-1)?.content ?? ''
  const { recipe, origin, tokens, tail } = before
  const isEmpty = origin.kind === 'tokens' && tokens.length === 0 && tail === ''
  if (!isEmpty) return turnDelta(turnOf(tokenizer, conversationOf(before, texts), question))
  const time = recipe.chat?.time ?? civilNow()
  const opened = { system: recipe.systemPrompt ?? undefined, turns: messages.slice(0, -1), time }
  return firstTurn(tokenizer, { question, ...opened }).delta
}

/** The user's and the assistant's messages alternately, a question last. */
function messagesIn({ text, said = [] }: Delta): ChatMessage[] {
  const bytes = Buffer.from(text)
  return said.flatMap((start, place) => {
    if (place % 2 === 1) return []
    const content = bytes.subarray(start, said[place + 1]).toString()
    return [{ role: place % 4 === 0 ? 'user' : 'assistant', content }]
  })
}
