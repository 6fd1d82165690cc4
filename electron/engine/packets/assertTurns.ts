import { setImmediate } from 'node:timers/promises'
import { toolsOf } from '#shared/domain/tool.ts'
import { canonicalText } from '../canonicalJson.ts'
import { civilNow } from '../models/tokenizer/strftime.ts'
import { tokenizerOf } from './composeText.ts'
import { firstTurn, nextTurn } from './deltaOf.ts'
import { type Delta, isUnread } from './growState.ts'
import { conversationOf, saidIn } from './readConversation.ts'
import { notFollowed, type ReplayedTurn } from './replayRecipe.ts'

/**
 * What a recipe calls a turn must be what the chat template makes of what was said: else a stranger's words, control tokens
 * among them, would pass for the template's own. `texts`: the sources, in their order. Throws `E_NOT_RECOMPUTED`.
 */
export async function assertTurns(turns: readonly ReplayedTurn[], texts: readonly Uint8Array[]): Promise<void> {
  for (const turn of turns) {
    const again = renderedAgain(turn, texts)
    if (canonicalText(told(turn.delta)) !== canonicalText(told(again)))
      throw notFollowed('it calls a text a turn of a conversation that the chat template does not write so')
    // Whoever waits for the engine meanwhile is not kept waiting.
    await setImmediate()
  }
}

const told = ({ text, said, messages, system }: Delta) => [text, said, messages ?? null, system ?? null]

function renderedAgain({ before, delta }: ReplayedTurn, texts: readonly Uint8Array[]): Delta {
  const tokenizer = tokenizerOf(before.loaded.model)
  const messages = delta.messages ?? saidIn(Buffer.from(delta.text), delta.said ?? [])
  const { recipe } = before
  if (!isUnread(before)) return nextTurn(tokenizer, conversationOf(before, texts), messages)
  const time = recipe.chat?.time ?? civilNow()
  const tools = recipe.tools === undefined ? undefined : (toolsOf(recipe.tools) ?? undefined)
  return firstTurn(tokenizer, { messages, system: recipe.systemPrompt ?? undefined, tools, time }).delta
}
