import { type Ability, STARTER_RECALLS_TOKENS } from '#shared/domain/ability.ts'
import { dotted } from './dotted.ts'
import { formatCounted } from './format.ts'
import { NO_BREAK } from './noBreak.ts'

export const ABILITY_WORDS = {
  facts: 'Copies short facts',
  chat: 'Chats',
  continue: 'Continues texts, does not chat',
} as const satisfies Record<Ability, string>

/** What a model can do and with how much text, on one line. */
export function abilityText({
  ability,
  contextLength,
}: {
  readonly ability: Ability
  /** Tokens; null when there is no limit. */
  readonly contextLength: number | null
}): string {
  const recalled = ability === 'facts' ? `, of which it recalls about ${STARTER_RECALLS_TOKENS} tokens` : ''
  const length =
    contextLength === null
      ? `any length${recalled}`
      : `up${NO_BREAK}to${NO_BREAK}${formatCounted(contextLength, 'token')}`
  return dotted(ABILITY_WORDS[ability], length)
}
