import { foldText } from './foldText.ts'

// Not every script puts spaces between its words. One locale, so that a text is cut the same way everywhere.
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'word' })

export interface Word {
  /** As it is searched: see {@link foldText}. */
  readonly word: string
  /** Where it stands, in UTF-16 code units. */
  readonly start: number
  readonly end: number
}

/** The words of a text in any script. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const { segment, index, isWordLike } of SEGMENTER.segment(text)) {
    if (isWordLike) words.push({ word: foldText(segment), start: index, end: index + segment.length })
  }
  return words
}
