/** Characters that are looked up at most: each token of n characters is cut in n ways. Real vocabularies take a hundredth. */
const MOST_CHARACTERS = 2 ** 29

/**
 * SentencePiece scores its tokens and merges the neighbours whose joined token has the best score, the leftmost of equals.
 * As merges in order of rank: every way to make a token of two others, the best token first. null where the tokens are so
 * long that finding the ways would take minutes.
 */
export function mergesOfScores(
  tokens: readonly string[],
  scores: Float64Array,
  isMade: (id: number) => boolean,
): [left: string, right: string][] | null {
  const made = Array.from(tokens.keys()).filter(isMade)
  if (made.reduce((sum, id) => sum + (tokens[id]?.length ?? 0) ** 2, 0) > MOST_CHARACTERS) return null
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const order = made.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
  const merges: [string, string][] = []
  for (const id of order) {
    const token = tokens[id] ?? ''
    const ways: [left: number, right: number][] = []
    let at = 0
    for (const character of token) {
      at += character.length
      const [left, right] = [ids.get(token.slice(0, at)), ids.get(token.slice(at))]
      if (at < token.length && left !== undefined && right !== undefined) ways.push([left, right])
    }
    ways.sort(([a, b], [c, d]) => a - c || b - d)
    for (const [left, right] of ways) merges.push([tokens[left] ?? '', tokens[right] ?? ''])
  }
  return merges
}
