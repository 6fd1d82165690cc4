/**
 * What a model can be expected to do. `facts`: it copies short facts of what it has read, and no more (the starters). `chat`:
 * it was trained to answer in turns. `continue`: it goes on with a text.
 */
export const ABILITIES = ['facts', 'chat', 'continue'] as const
export type Ability = (typeof ABILITIES)[number]

/**
 * What the recurrent starter keeps of a list of facts, measured by spot checks: 8 of 10 sentences of 240 tokens, 2 of 10 of
 * 471. It takes texts of any length and recalls this much.
 */
export const STARTER_RECALLS_TOKENS = 240

/** Smaller models than this are not known to hold a conversation, whatever template they have. */
const FEWEST_TO_CHAT = 50e6

/** As far as facts about a model say. */
export function abilityOf({
  starter,
  hasChatTemplate,
  parameters,
}: {
  readonly starter: boolean
  readonly hasChatTemplate: boolean
  readonly parameters: number
}): Ability {
  if (starter) return 'facts'
  if (!hasChatTemplate) return 'continue'
  return parameters < FEWEST_TO_CHAT ? 'facts' : 'chat'
}
