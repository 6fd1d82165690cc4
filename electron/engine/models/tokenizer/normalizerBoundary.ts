import type { Stage } from './tokenizerFiles.ts'

/**
 * How a normaliser treats text around a boundary. `pointwise`: beside a prefix it may put at the start of a run, it maps
 * text piece by piece, so that a boundary before a *hard starter* splits its output too. `opaque`: it may look anywhere
 * (trimming, regular expressions, context-sensitive lower case), and no boundary inside a run is safe.
 */
export interface NormalizerKind {
  readonly pointwise: boolean
  /** It puts a prefix at the start of every run (SentencePiece's space marker). */
  readonly prepends: boolean
  /** The chain without the stage that prepends, for text that continues a run. */
  readonly inside: Stage | null
}

const POINTWISE = new Set(['NFC', 'NFD', 'NFKC', 'NFKD', 'Precompiled'])

/** Sorts a normaliser of tokenizer.json into {@link NormalizerKind}. */
export function normalizerKind(stage: Stage | null | undefined): NormalizerKind {
  if (stage === null || stage === undefined) return { pointwise: true, prepends: false, inside: null }
  if (stage.type === 'Prepend') return { pointwise: true, prepends: true, inside: null }
  if (stage.type === 'Sequence' && Array.isArray(stage.normalizers)) {
    const parts = (stage.normalizers as Stage[]).map(part => ({ part, kind: normalizerKind(part) }))
    // A prefix put after another stage still comes first in the output, so the order does not matter here.
    return {
      pointwise: parts.every(({ kind }) => kind.pointwise),
      prepends: parts.some(({ kind }) => kind.prepends),
      inside: { ...stage, normalizers: parts.map(({ kind }) => kind.inside).filter(part => part !== null) },
    }
  }
  if (POINTWISE.has(stage.type)) return { pointwise: true, prepends: false, inside: stage }
  if (stage.type === 'Replace') {
    const pattern = (stage.pattern as { String?: unknown } | undefined)?.String
    return { pointwise: typeof pattern === 'string' && pattern.length === 1, prepends: false, inside: stage }
  }
  return { pointwise: false, prepends: false, inside: stage }
}

/** Hangul vowels and final consonants, and the Kirat Rai vowel signs: letters that compose with what stands before them. */
const COMPOSES_BACKWARD = /^[\u1160-\u11FF\uD7B0-\uD7FF\u{16D63}\u{16D67}-\u{16D6A}\u{113B8}-\u{113C9}]/u

/**
 * True when no Unicode normalisation form joins the character at `index` with what stands before it, whatever that is and
 * whatever follows (Unicode Standard Annex 15: a starter that is not `NFC_Quick_Check=Maybe`, after decomposition).
 */
export function isHardStarter(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  if (unit < 0x80) return true
  const before = text.charCodeAt(index - 1)
  if (unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff) return false
  const character = String.fromCodePoint(text.codePointAt(index) ?? 0)
  const decomposed = character.normalize('NFKD')
  return !/^\p{M}/u.test(decomposed) && !COMPOSES_BACKWARD.test(decomposed) && !COMPOSES_BACKWARD.test(character)
}

/**
 * The place in `raw` whose suffix normalises to the last `suffixLength` characters of the normalised text, when that place
 * is a boundary no later text can undo; null otherwise. `inside` normalises text that continues a run.
 */
export function rawBoundary(raw: string, suffixLength: number, inside: (text: string) => string): number | null {
  const straight = raw.length - suffixLength
  if (straight >= 0 && straight < raw.length && isHardStarter(raw, straight)) {
    if (inside(raw.slice(straight)).length === suffixLength && isPlain(raw, straight)) return straight
  }
  let length = 0
  let end = raw.length
  for (let start = raw.length - 1; start >= 0 && length < suffixLength; start--) {
    if (!isHardStarter(raw, start)) continue
    length += inside(raw.slice(start, end)).length
    end = start
  }
  return length === suffixLength && end < raw.length ? end : null
}

/** ASCII up to the end: normalisation keeps lengths there, so equal lengths mean the same place. */
function isPlain(raw: string, from: number): boolean {
  for (let i = from; i < raw.length; i++) if (raw.charCodeAt(i) > 0x7e) return false
  return true
}
