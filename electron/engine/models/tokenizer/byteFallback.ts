import type { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'

/**
 * Lets a unigram model of the library fall back to bytes as the reference does: neighbouring unknown characters are one
 * piece, spelt as the tokens `<0x00>` to `<0xFF>` when the vocabulary has all that it needs, and unknown otherwise.
 */
export function addByteFallback(model: NonNullable<LibraryTokenizer['model']>): void {
  const encode = model.encode.bind(model)
  const utf8 = new TextEncoder()
  const known = (token: string) => model.tokens_to_ids.has(token)
  const spelt = (unknown: string): string[] => {
    const bytes = Array.from(utf8.encode(unknown), byte => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    return bytes.every(known) ? bytes : [unknown]
  }
  model.encode = pieces =>
    // Each piece apart: unknown characters of two pieces are not neighbours.
    pieces.flatMap(piece => {
      const out: string[] = []
      let unknown = ''
      for (const token of encode([piece])) {
        if (!known(token)) {
          unknown += token
          continue
        }
        if (unknown !== '') out.push(...spelt(unknown))
        unknown = ''
        out.push(token)
      }
      return unknown === '' ? out : [...out, ...spelt(unknown)]
    })
}
