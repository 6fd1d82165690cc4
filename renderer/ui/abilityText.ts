import type { Ability } from '#shared/domain/ability.ts'
import { formatCount } from './format.ts'

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
  return `${ABILITY_WORDS[ability]} · ${contextLength === null ? 'texts of any length' : `up to ${formatCount(contextLength)} tokens`}`
}
