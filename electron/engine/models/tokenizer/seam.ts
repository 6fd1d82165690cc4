import type { AddedToken, AddedTokenMatch } from './addedTokens.ts'
import { rawBoundary } from './normalizerBoundary.ts'
import type { TokenizerPipeline } from './tokenizerPipeline.ts'

/** A run of text that is being read: what is held back, and whether nothing of the run has become tokens yet. */
export interface SeamState {
  readonly tail: string
  readonly atStart: boolean
}

export interface Folded extends SeamState {
  /** The tokens of what was folded now; the tokens of `tail` follow them. */
  readonly tokens: Int32Array
}

/** Text is folded in pieces of about this many characters: the library's own cost per piece grows faster than its length. */
const PIECE = 1 << 15

/**
 * Folds `tail + delta` up to the last boundary that later text cannot undo and holds the rest back. The tokens of all folds
 * of a run, followed by the tokens of its last tail, are those of the whole run tokenised at once. Linear in the length.
 */
export function fold(pipeline: TokenizerPipeline, state: SeamState, delta: string): Folded {
  const parts: Int32Array[] = []
  let { tail, atStart } = state
  let from = 0
  while (from < delta.length) {
    // A tail without a boundary grows the next piece with it, so that a text without any is looked at a few times only.
    const to = Math.min(delta.length, from + Math.max(PIECE, tail.length))
    const text = tail + delta.slice(from, to)
    from = to
    const at = atStart ? 'start' : 'inside'
    const { boundary, tokens } = pipeline.within(text.length, () => settledPart(pipeline, text, at))
    if (tokens === null || (pipeline.fusesUnknown && tokens.at(-1) === pipeline.unknownId)) {
      tail = text
      continue
    }
    parts.push(tokens)
    tail = text.slice(boundary)
    atStart = false
  }
  return { tokens: concatenate(parts), tail, atStart }
}

/** The tokens of a held-back tail once it is known that nothing follows. */
export function flush(pipeline: TokenizerPipeline, state: SeamState): Int32Array {
  return pipeline.within(state.tail.length, () => pipeline.encode(state.tail, state.atStart ? 'start' : 'inside'))
}

/** What of a text is settled, and its tokens; null when nothing is. */
function settledPart(pipeline: TokenizerPipeline, text: string, at: 'start' | 'inside') {
  const boundary = lastSafeBoundary(pipeline, text, at)
  return { boundary, tokens: boundary === 0 ? null : pipeline.encode(text.slice(0, boundary), at) }
}

/** One array of all the parts. */
export function concatenate(parts: readonly Int32Array[]): Int32Array {
  const only = parts[0]
  if (parts.length === 1 && only !== undefined) return only
  const joined = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/**
 * The end of the longest prefix of `text` whose tokens are settled: for every text z, the tokens of `text + z` are those of
 * the prefix followed by those of the rest and z. 0 when nothing is settled.
 */
function lastSafeBoundary(pipeline: TokenizerPipeline, text: string, at: 'start' | 'inside'): number {
  const { matches, settled } = pipeline.scanRaw(text, 'open')
  return lastBoundary({
    text,
    matches,
    end: settled,
    trims: pipeline.addedTokens.some(token => token.lstrip),
    mayCutAfter: token => mayCutAfter(pipeline, token),
    within: (start, end) => {
      const run = text.slice(start, end)
      const boundary = boundaryInRun(pipeline, run, start === 0 && at === 'inside' ? 'inside' : 'start')
      return boundary === 0 ? start : start + boundary
    },
  })
}

/** Text after an added token begins without its prefix, so a boundary right after one is only safe where none is put. */
function mayCutAfter({ normalizer, preTokenizer }: TokenizerPipeline, token: AddedToken): boolean {
  const atStart = normalizer.prepends || normalizer.strips || preTokenizer.prefix === 'always'
  return !token.rstrip && normalizer.pointwise && !atStart
}

/** A text cut by added tokens, and how to find a boundary between two of them. */
interface CutText {
  readonly text: string
  readonly matches: readonly AddedTokenMatch[]
  /** Up to here the matches stay whatever follows. */
  readonly end: number
  /** Some added token swallows the white space before it, and could come next. */
  readonly trims: boolean
  mayCutAfter(token: AddedToken): boolean
  /** The last safe boundary of the run from `start` to `end`; `start` when there is none. */
  within(start: number, end: number): number
}

/** Added tokens are boundaries themselves; between the last one and the end, the run's own rule decides. */
function lastBoundary({ text, matches, end, trims, mayCutAfter, within }: CutText): number {
  for (let i = matches.length; i >= 0; i--) {
    const before = matches[i - 1]
    const next = matches[i]
    let start = before?.end ?? 0
    if (before?.token.rstrip) start += text.slice(start).length - text.slice(start).trimStart().length
    let stop = next?.start ?? end
    if (stop <= start) stop = start
    else if (next === undefined ? trims : next.token.lstrip) {
      stop = start + text.slice(start, stop).trimEnd().length
    }
    if (next !== undefined && stop > start) return stop
    if (next === undefined) {
      const boundary = stop > start ? within(start, stop) : start
      if (boundary > start) return boundary
    }
    if (before === undefined) return 0
    if (start <= text.length && mayCutAfter(before.token)) return before.end
  }
  return 0
}

/** The last safe boundary inside one run of text between added tokens; 0 when there is none. */
function boundaryInRun(pipeline: TokenizerPipeline, run: string, at: 'start' | 'inside'): number {
  if (!pipeline.normalizer.pointwise) return 0
  const normalized = pipeline.normalize(run, at)
  const rule = {
    inside: (text: string) => pipeline.normalize(text, 'inside'),
    joinsSpaces: pipeline.normalizer.joinsSpaces,
  }
  const { matches, settled } = pipeline.scanNormalized(normalized, 'open')
  const toRaw = (position: number): number | null =>
    position <= 0 ? null : rawBoundary(run, normalized.length - position, rule)

  if (matches.length === 0) {
    for (const position of boundariesInPiece(pipeline, normalized.slice(0, settled), at)) {
      const raw = toRaw(position)
      if (raw !== null && raw > 0) return raw
    }
    return 0
  }
  let found: number | null = null
  const boundary = lastBoundary({
    text: normalized,
    matches,
    end: settled,
    trims: false,
    mayCutAfter: token => {
      const after = matches.find(match => match.token === token)
      return after !== undefined && mayCutAfter(pipeline, token)
    },
    within: (start, end) => {
      for (const position of boundariesInPiece(pipeline, normalized.slice(start, end), start === 0 ? at : 'inside')) {
        const raw = toRaw(start + position)
        if (raw !== null && raw > 0) {
          found = raw
          return start + position
        }
      }
      return start
    },
  })
  return found ?? toRaw(boundary) ?? 0
}

/** Safe boundaries of a piece without added tokens, from the last to the first, in normalised characters. */
function* boundariesInPiece(
  pipeline: TokenizerPipeline,
  piece: string,
  at: 'start' | 'inside',
): Generator<number, void, undefined> {
  const { hold } = pipeline.preTokenizer
  if (pipeline.reach !== null) {
    // Uncut, but with spaces and the prefix written as the vocabulary writes them.
    const written = pipeline.cut(piece, at).join('')
    for (const position of pipeline.reach(written)) yield position - (written.length - piece.length)
    return
  }
  if (hold === null || hold === 0) return
  const pieces = pipeline.cut(piece, at)
  let position = piece.length
  for (let i = pieces.length - 1; i > 0; i--) {
    position -= pieces[i]?.length ?? 0
    // Patterns look ahead to see whether white space goes on: what stands before a boundary must not be white space, or
    // the prefix would be cut otherwise when it stands alone.
    if (pieces.length - i >= hold && position > 0 && !/[\s\x85]/.test(piece.charAt(position - 1))) yield position
  }
}
