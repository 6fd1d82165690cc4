interface Node {
  readonly children: Map<number, Node>
  token: boolean
}

/** Boundaries of `text`, from the last to the first, that no token could lie across, whatever text follows. */
export type VocabularyReach = (text: string) => Generator<number>

/** Looked at first; doubled while it holds no safe boundary. */
const WINDOW = 512

/**
 * The seam rule of tokenizers that do not cut text before their model (SentencePiece). Every step of byte-pair merging
 * joins characters into a token of the vocabulary that stands in the text at that place. So where no token of the
 * vocabulary occurs across a boundary, both sides are tokenised as if the other were not there. At the end of the text, a
 * token that has begun and could be completed by what follows counts as occurring.
 */
export function createVocabularyReach(vocabulary: Iterable<string>): VocabularyReach {
  const root: Node = { children: new Map(), token: false }
  let longest = 1
  for (const token of vocabulary) {
    longest = Math.max(longest, token.length)
    let node = root
    for (let i = 0; i < token.length; i++) {
      const unit = token.charCodeAt(i)
      let child = node.children.get(unit)
      if (child === undefined) {
        child = { children: new Map(), token: false }
        node.children.set(unit, child)
      }
      node = child
    }
    node.token = true
  }

  /** The farthest end of a token that begins at `index`, Infinity when one could go on past the text. */
  const reach = (text: string, index: number): number => {
    let node = root
    let farthest = index + 1
    for (let i = index; ; i++) {
      if (i === text.length) return node.children.size > 0 ? Number.POSITIVE_INFINITY : farthest
      const child = node.children.get(text.charCodeAt(i))
      if (child === undefined) return farthest
      node = child
      if (node.token) farthest = i + 1
    }
  }

  return function* (text) {
    let above = text.length
    for (let window = WINDOW; above > 0; window *= 2) {
      const from = Math.max(0, text.length - window)
      // Tokens that begin more than the longest token's length before `from` cannot reach it.
      let covered = 0
      const safe: number[] = []
      for (let i = Math.max(0, from - longest); i < above; i++) {
        if (i >= from && i > 0 && covered <= i) safe.push(i)
        covered = Math.max(covered, reach(text, i))
      }
      for (let k = safe.length - 1; k >= 0; k--) yield safe[k] ?? 0
      above = from
    }
  }
}
