import { createAddedTokenScanner } from './addedTokens.ts'
import { concatenate, type Folded, flush, fold, type SeamState } from './seam.ts'
import type { TokenizerPipeline } from './tokenizerPipeline.ts'

/** A stretch of text to be read. `control`: control tokens spelt in it are meant, as a chat template means them. */
export interface ReadPart {
  readonly text: string
  readonly control: boolean
}

/** A run of text, and the token before what it holds back: text after an added token is tokenised as that token has it. */
export interface RunAfter extends SeamState {
  readonly after?: number | undefined
}

export interface PartsRead extends Folded {
  /** The tokens of `tail` if nothing follows. */
  readonly rest: Int32Array
  /** How many tokens were held back before, if nothing had followed. */
  readonly heldBack: number
  /** For each part, the number of tokens up to its end if nothing followed; a token across an edge counts to the part before. */
  readonly edges: readonly number[]
  /** Where control tokens that a part spelt out were read as plain text: half-open, in tokens. */
  readonly spelled: readonly { readonly token: string; readonly start: number; readonly end: number }[]
}

export type ReadParts = (state: RunAfter, parts: readonly ReadPart[], mode?: 'exact' | 'concat') => PartsRead

/**
 * Reads text of several origins after a run, as one text. A control token that a part without `control` spells out, alone or
 * across an edge, is a piece of its own, tokenised by the model's plain vocabulary: it never becomes the control id. What
 * was held back before keeps the control tokens it has whole: those were meant.
 */
export function createPartsReader(pipeline: TokenizerPipeline): ReadParts {
  const scan = createAddedTokenScanner(
    pipeline.addedTokens.filter(token => token.special).map(token => ({ text: token.content, token })),
  )
  const added = new Map(pipeline.addedTokens.map(token => [token.id, token.content]))
  return (state, parts, mode = 'exact') => {
    // Read once more with what follows, and taken off again.
    const before = state.atStart || state.after === undefined ? '' : (added.get(state.after) ?? '')
    const shift = before === '' ? 0 : 1
    const read: Int32Array[] = []
    let count = 0
    const take = (tokens: Int32Array): void => {
      read.push(tokens)
      count += tokens.length
    }
    const byItself =
      state.tail === '' ? new Int32Array(0) : flush(pipeline, { tail: before + state.tail, atStart: state.atStart })
    // State Pack tokenises each text alone: what was held back comes first, by itself.
    const concat = mode === 'concat' && state.tail !== ''
    if (concat) take(byItself)
    const held = concat ? '' : before + state.tail
    let run: SeamState = { tail: '', atStart: state.atStart && count === 0 }
    const edges: number[] = []
    const spelled: { token: string; start: number; end: number }[] = []
    const text = held + parts.map(part => part.text).join('')
    const ends = partEnds(held.length, parts)
    let at = 0
    let next = 0
    /** Folds up to `end`, noting the edges of parts on the way. */
    const foldTo = (end: number): void => {
      while (at < end || (ends[next] ?? Infinity) <= at) {
        const to = Math.min(end, Math.max(at, ends[next] ?? end))
        if (to > at) {
          const folded = fold(pipeline, run, text.slice(at, to))
          take(folded.tokens)
          run = folded
          at = to
        }
        if ((ends[next] ?? Infinity) > at) continue
        edges.push(count + flush(pipeline, run).length - shift)
        next++
      }
    }
    for (const match of scan(text, 'complete').matches) {
      if (isMeant(match, held.length, parts)) continue
      foldTo(match.start)
      take(flush(pipeline, run))
      const spelling = text.slice(match.start, match.end)
      const place = run.atStart && count === 0 ? 'start' : 'inside'
      const tokens = pipeline.within(spelling.length, () => pipeline.encodePlain(spelling, place))
      const start = count - shift
      spelled.push({ token: match.token.content, start, end: start + tokens.length })
      take(tokens)
      run = { tail: '', atStart: false }
      at = match.end
      while ((ends[next] ?? Infinity) <= at) {
        edges.push(count - shift)
        next++
      }
    }
    foldTo(text.length)
    if (mode === 'concat') {
      take(flush(pipeline, run))
      run = { tail: '', atStart: run.atStart && count === 0 }
    }
    const tokens = concatenate(read).subarray(count === 0 ? 0 : shift)
    const isHeld = count === 0 && shift === 1
    const rest = flush(pipeline, run).subarray(isHeld ? 1 : 0)
    const tail = isHeld ? run.tail.slice(before.length) : run.tail
    const heldBack = Math.max(0, byItself.length - shift)
    return { tokens, tail, rest, heldBack, atStart: run.atStart && state.atStart, edges, spelled }
  }
}

function partEnds(held: number, parts: readonly ReadPart[]): number[] {
  let end = held
  return parts.map(part => {
    end += part.text.length
    return end
  })
}

/** Whether a spelt control token lies wholly in what was held back, or in one part that means it. */
function isMeant(match: { start: number; end: number }, held: number, parts: readonly ReadPart[]): boolean {
  if (match.end <= held) return true
  let start = held
  for (const part of parts) {
    const end = start + part.text.length
    if (match.start >= start && match.end <= end) return part.control
    start = end
  }
  return false
}
