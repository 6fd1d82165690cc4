import type { ComposedText } from './composeText.ts'

/** What a person should know about how a text became tokens, in sentences. */
export function readingNotes(
  { recipe, spelled }: Pick<ComposedText, 'recipe' | 'spelled'>,
  { asked }: { asked?: string | undefined } = {},
): string[] {
  const mode = recipe.controlTokens ?? 'text'
  const notes = spelledNotes(
    spelled.map(token => ({ token })),
    mode,
  )
  const { document, time } = recipe.chat ?? {}
  if (document === 'user') {
    notes.push(
      'The chat template keeps no system message, so the text stands at the beginning of the first user message.',
    )
  }
  if (time !== undefined) {
    const [day] = time.split('T')
    notes.push(
      asked === undefined
        ? `The chat template writes the date: ${day}, for this context and every question to it.`
        : `The chat template writes the date: ${day}, as asked. With another date the same text is another context.`,
    )
  }
  return notes
}

/** What to say of control tokens that a text spells out; nothing of none. */
export function spelledNotes(spelled: readonly { readonly token: string }[], mode: 'text' | 'control'): string[] {
  if (spelled.length === 0) return []
  const kinds = [...new Set(spelled.map(({ token }) => token))]
  const named = kinds.length > 3 ? `${kinds.slice(0, 3).join(', ')} …` : kinds.join(', ')
  const number = spelled.length === 1 ? 'a control token' : `${spelled.length} control tokens`
  const how = mode === 'text' ? 'read as plain text' : 'read as control tokens, as asked'
  return [`The text spells out ${number} (${named}): ${how}.`]
}
