/**
 * SentencePiece scores its tokens and merges the neighbours whose joined token has the best score, the leftmost of equals.
 * As merges in order of rank: every way to make a token of two others, the best token first.
 */
export function mergesOfScores(
  tokens: readonly string[],
  scores: Float64Array,
  isMade: (id: number) => boolean,
): [left: string, right: string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const order = Array.from(tokens.keys()).filter(isMade)
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
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
