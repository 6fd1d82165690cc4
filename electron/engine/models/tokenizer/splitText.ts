import { PreTokenizer, SplitPreTokenizer } from '@huggingface/tokenizers'
import { stageError } from './stages.ts'
import type { Stage } from './tokenizerFiles.ts'

interface Piece {
  readonly text: string
  readonly isMatch: boolean
}

/** The pre-tokeniser `Split` with every behaviour of the reference, inverted or not; the library has two of them. */
export class SplitText extends PreTokenizer {
  readonly #pattern: RegExp
  readonly #behavior: string
  readonly #invert: boolean

  constructor(stage: Stage) {
    super()
    this.#pattern = patternOf(stage)
    this.#behavior = String(stage.behavior ?? 'Isolated').toLowerCase()
    this.#invert = stage.invert === true
    if (!Object.hasOwn(JOINS, this.#behavior)) {
      throw stageError(
        'pre_tokenizer',
        `splits with the behavior ${JSON.stringify(stage.behavior)}, which is not known`,
      )
    }
  }

  override pre_tokenize_text(text: string): string[] {
    const pieces: Piece[] = []
    let from = 0
    for (const match of text.matchAll(this.#pattern)) {
      if (match.index > from) pieces.push({ text: text.slice(from, match.index), isMatch: this.#invert })
      pieces.push({ text: match[0], isMatch: !this.#invert })
      from = match.index + match[0].length
    }
    if (from < text.length) pieces.push({ text: text.slice(from), isMatch: this.#invert })
    return JOINS[this.#behavior]?.(pieces).filter(piece => piece !== '') ?? []
  }
}

const JOINS: Readonly<Record<string, (pieces: readonly Piece[]) => string[]>> = {
  isolated: pieces => pieces.map(({ text }) => text),
  removed: pieces => pieces.filter(({ isMatch }) => !isMatch).map(({ text }) => text),
  contiguous: pieces => joined(pieces, (piece, before) => piece.isMatch === before.isMatch),
  mergedwithprevious: pieces => joined(pieces, (piece, before) => piece.isMatch && !before.isMatch),
  mergedwithnext: pieces => joined(pieces, (piece, before) => !piece.isMatch && before.isMatch),
}

/** Pieces put together with the one before them where `joins` says so. */
function joined(pieces: readonly Piece[], joins: (piece: Piece, before: Piece) => boolean): string[] {
  const texts: string[] = []
  let before: Piece | null = null
  for (const piece of pieces) {
    if (before !== null && joins(piece, before)) texts.push(`${texts.pop() ?? ''}${piece.text}`)
    else texts.push(piece.text)
    before = piece
  }
  return texts
}

/** The stage's pattern as JavaScript has it: translated by the library, after what that would drop. */
function patternOf(stage: Stage): RegExp {
  const { Regex, String: literal } = { ...Object(stage.pattern) }
  if (typeof Regex !== 'string' && typeof literal !== 'string')
    throw stageError('pre_tokenizer', 'splits by no pattern')
  const pattern = typeof Regex === 'string' ? { Regex: withAtomicGroups(Regex) } : { String: String(literal) }
  const split = new SplitPreTokenizer({ type: 'Split', pattern, behavior: 'Isolated', invert: false })
  if (!(split.pattern instanceof RegExp)) throw stageError('pre_tokenizer', 'splits by no pattern')
  return split.pattern
}

/** An escape, or a character by itself. */
const ATOM = /^\\(?:[pPxu]\{[^}]*\}|.)|^./su

/**
 * Oniguruma's possessive quantifiers (`X++`) and atomic groups (`(?>X)`), which never give back what they took, written
 * with what JavaScript has: a look-ahead that captures, and a reference to what it captured.
 */
function withAtomicGroups(pattern: string): string {
  if (!/[*+?]\+|\(\?>/.test(pattern)) return pattern
  let out = ''
  let atom = 0
  let names = 0
  const groups: { readonly at: number; readonly atomic: boolean }[] = []
  const atomic = (body: string): string => {
    names += 1
    return `(?:(?=(?<_${names}>${body}))\\k<_${names}>)`
  }
  for (let i = 0; i < pattern.length; ) {
    const rest = pattern.slice(i)
    const opening = /^\((?:\?(?:<[=!]|<\w+>|[a-zA-Z-]*:|[=!>]))?/.exec(rest)?.[0]
    if (opening !== undefined) {
      groups.push({ at: out.length, atomic: opening === '(?>' })
      out += opening === '(?>' ? '' : opening
      i += opening.length
      continue
    }
    if (rest.startsWith(')')) {
      const group = groups.pop() ?? { at: 0, atomic: false }
      out = group.atomic ? out.slice(0, group.at) + atomic(out.slice(group.at)) : `${out})`
      atom = group.at
      i += 1
      continue
    }
    const quantifier = /^[*+?]/.exec(rest)?.[0]
    if (quantifier !== undefined) {
      out += quantifier
      if (rest[1] === '+') out = out.slice(0, atom) + atomic(out.slice(atom))
      else if (rest[1] === '?') out += '?'
      i += rest[1] === '+' || rest[1] === '?' ? 2 : 1
      continue
    }
    const count = /^\{\d*,?\d*\}/.exec(rest)?.[0]
    const single = count ?? (rest.startsWith('[') ? characterClass(rest) : (ATOM.exec(rest)?.[0] ?? rest))
    if (count === undefined) atom = out.length
    out += single
    i += single.length
  }
  return out
}

/** The character class that `text` begins with; classes nest. */
function characterClass(text: string): string {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text[i]
    if (unit === '\\') i += 1
    else if (unit === '[') {
      depth += 1
      // A bracket right at the beginning stands for itself.
      const first = text[i + 1] === '^' ? i + 2 : i + 1
      if (text[first] === ']') i = first
    } else if (unit === ']') depth -= 1
    if (depth === 0) return text.slice(0, i + 1)
  }
  return text
}
