/** A sentence of a text without its last word, and that word. */
export interface OpenSentence {
  readonly start: string
  readonly end: string
}

/** Shorter ones say too little, longer ones cost too much. In words. */
const LENGTH = { least: 4, most: 32 }

/**
 * At most `most` sentences of a text, spread over all of it, each once; the same ones for the same text. Sentences and words
 * are those of Unicode (UAX #29), so scripts without spaces have some, too.
 */
export function sentencesToEnd(text: string, most: number): OpenSentence[] {
  const found = new Map<string, OpenSentence>()
  const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
  for (const { segment } of sentences.segment(text)) {
    const open = withoutLastWord(segment.trim())
    if (open !== null && !found.has(open.start)) found.set(open.start, open)
  }
  const all = [...found.values()]
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]).filter(
    one => one !== undefined,
  )
}

function withoutLastWord(sentence: string): OpenSentence | null {
  const words = [...new Intl.Segmenter('en', { granularity: 'word' }).segment(sentence)].filter(word => word.isWordLike)
  const last = words.at(-1)
  if (last === undefined || words.length < LENGTH.least || words.length > LENGTH.most) return null
  const start = sentence.slice(0, last.index).trimEnd()
  // A number with a sign, a word in a bracket: what stands right before a word belongs to its end.
  return /[\p{L}\p{N},;:]$/u.test(start) ? { start, end: last.segment } : null
}
