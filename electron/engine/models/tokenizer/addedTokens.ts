/** A token spelt out as text that bypasses the model of the tokenizer: `<|im_start|>`, `<s>`, runs of spaces. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  /** Matched only as a whole word. Not supported: refused when a tokenizer is opened. */
  readonly single_word: boolean
  /** The token swallows the white space before it. */
  readonly lstrip: boolean
  /** The token swallows the white space after it. */
  readonly rstrip: boolean
  /** Matched after the normaliser instead of before it. */
  readonly normalized: boolean
  readonly special: boolean
}

export interface AddedTokenMatch {
  readonly start: number
  readonly end: number
  readonly token: AddedToken
}

export interface AddedTokenScan {
  /** Leftmost-longest matches, in order, none overlapping. */
  readonly matches: readonly AddedTokenMatch[]
  /**
   * Up to here more text cannot change the matches. Less than the length of the text when its end could be the first part
   * of an added token (`<|im_st`), or of a longer one than the token it spells now.
   */
  readonly settled: number
}

interface Node {
  readonly children: Map<number, Node>
  token: AddedToken | null
}

/**
 * Finds added tokens in text the way the reference does: scanning from the left, the longest match first. `open`: more text
 * may follow, so the scan stops where that could matter; `complete`: the text ends here, and all of it is settled.
 */
export type AddedTokenScanner = (text: string, end: 'open' | 'complete') => AddedTokenScan

/** A scanner for `spellings`: the text each token is looked for as (its content, normalised when it is matched normalised). */
export function createAddedTokenScanner(
  spellings: readonly { readonly text: string; readonly token: AddedToken }[],
): AddedTokenScanner {
  const root: Node = { children: new Map(), token: null }
  for (const { text, token } of spellings) {
    let node = root
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      let child = node.children.get(unit)
      if (child === undefined) {
        child = { children: new Map(), token: null }
        node.children.set(unit, child)
      }
      node = child
    }
    if (node !== root) node.token = token
  }

  return (text, mode) => {
    const matches: AddedTokenMatch[] = []
    if (root.children.size === 0) return { matches, settled: text.length }
    let i = 0
    while (i < text.length) {
      let node: Node | undefined = root.children.get(text.charCodeAt(i))
      if (node === undefined) {
        i++
        continue
      }
      let end = i + 1
      let best: AddedTokenMatch | null = null
      for (;;) {
        if (node.token !== null) best = { start: i, end, token: node.token }
        if (end === text.length) {
          if (mode === 'open' && node.children.size > 0) return { matches, settled: i }
          break
        }
        node = node.children.get(text.charCodeAt(end))
        if (node === undefined) break
        end++
      }
      if (best === null) i++
      else {
        matches.push(best)
        i = best.end
      }
    }
    return { matches, settled: text.length }
  }
}
