import fuzzysort from 'fuzzysort'

export interface Ranked<T> {
  readonly item: T
  /** Places in its title of the letters that were found. */
  readonly letters: readonly number[]
}

/** Below it, letters lie so far apart that nobody meant them. */
const MEANT = 0.25
/** A title says what a thing is; other words only help to find it. */
const OF_WORDS = 0.8

/** Those whose title or words hold the letters of `text` in their order, the best match first; of equal ones, the first given. */
export function rankByText<T extends { readonly title: string; readonly words: string }>(
  text: string,
  items: readonly T[],
): readonly Ranked<T>[] {
  const order = new Map(items.map((item, index) => [item, index]))
  return fuzzysort
    .go(text, items, {
      keys: ['title', 'words'],
      threshold: MEANT,
      // A title by itself must hold all that is typed: "settings keys" means "Settings: Keys" before "Settings".
      scoreFn: result => Math.max(fuzzysort.single(text, result.obj.title)?.score ?? 0, result.score * OF_WORDS),
    })
    .toSorted((a, b) => b.score - a.score || (order.get(a.obj) ?? 0) - (order.get(b.obj) ?? 0))
    .map(match => ({ item: match.obj, letters: [...(match[0]?.indexes ?? [])].toSorted((a, b) => a - b) }))
}
