import { flattenStages } from './stages.ts'
import type { Stage } from './tokenizerFiles.ts'

/**
 * How a normaliser treats text around a boundary. `pointwise`: beside a prefix it may put at the start of a run and white
 * space it may take away at the ends, it maps text piece by piece, so that a boundary before a *hard starter* splits its
 * output too. Otherwise it may look anywhere (regular expressions), and no boundary inside a run is safe.
 */
export interface NormalizerKind {
  readonly pointwise: boolean
  /** It puts a prefix at the start of every run (SentencePiece's space marker). */
  readonly prepends: boolean
  /** It takes white space away at the start of every run. */
  readonly strips: boolean
  /** It takes white space away at an end, or makes one of several: a boundary must not lie right after white space. */
  readonly joinsSpaces: boolean
  readonly stages: readonly Stage[]
  /** For text that continues a run: without what is done at its start. */
  readonly inside: readonly Stage[]
  /** The two chains for text that goes on: without what is done at the end of a run. */
  readonly open: { readonly start: readonly Stage[]; readonly inside: readonly Stage[] }
}

const POINTWISE = new Set([
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Precompiled',
  'Lowercase',
  'StripAccents',
  'BertNormalizer',
  'Prepend',
  'Strip',
])
/** A regular expression that matches a run of white space and nothing else. */
const SPACES = /^(?: |\\s|\\n|\\t|\[[ \\snt]+\])(?:[+]|\{\d+,\d*\})$/

/** Sorts a normaliser of tokenizer.json into {@link NormalizerKind}. Throws `E_TOKENIZER`. */
export function normalizerKind(normalizer: Stage | null | undefined): NormalizerKind {
  const stages = flattenStages(normalizer, 'normalizers', 'normalizer')
  const inside = stages.filter(({ type }) => type !== 'Prepend').map(stage => withoutStrip('strip_left', stage))
  return {
    pointwise: stages.every(stage => POINTWISE.has(stage.type) || replacesOne(stage) || joinsSpaces(stage)),
    prepends: stages.some(({ type }) => type === 'Prepend'),
    strips: stages.some(({ type, strip_left }) => type === 'Strip' && strip_left === true),
    joinsSpaces: stages.some(stage => stage.type === 'Strip' || joinsSpaces(stage)),
    stages,
    inside,
    open: {
      start: stages.map(stage => withoutStrip('strip_right', stage)),
      inside: inside.map(stage => withoutStrip('strip_right', stage)),
    },
  }
}

function withoutStrip(side: 'strip_left' | 'strip_right', stage: Stage): Stage {
  return stage.type === 'Strip' ? { ...stage, [side]: false } : stage
}

function replacesOne({ type, pattern }: Stage): boolean {
  const text: unknown = Object(pattern).String
  return type === 'Replace' && typeof text === 'string' && text.length === 1
}

function joinsSpaces({ type, pattern }: Stage): boolean {
  const regex: unknown = Object(pattern).Regex
  return type === 'Replace' && typeof regex === 'string' && SPACES.test(regex)
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
export function rawBoundary(
  raw: string,
  suffixLength: number,
  { inside, joinsSpaces }: { inside: (text: string) => string; joinsSpaces: boolean },
): number | null {
  const mayCut = (index: number) =>
    isHardStarter(raw, index) && !(joinsSpaces && index > 0 && /\s/.test(raw.charAt(index - 1)))
  const straight = raw.length - suffixLength
  if (straight >= 0 && straight < raw.length && mayCut(straight)) {
    if (inside(raw.slice(straight)).length === suffixLength && isPlain(raw, straight)) return straight
  }
  let length = 0
  let end = raw.length
  for (let start = raw.length - 1; start >= 0 && length < suffixLength; start--) {
    if (!mayCut(start)) continue
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
