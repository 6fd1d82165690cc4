import { flattenStages } from './stages.ts'
import type { Stage } from './tokenizerFiles.ts'

/** GPT-2's own pattern, which `ByteLevel` applies when `use_regex` is set. */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
/** Unicode punctuation and the symbols of ASCII. */
const PUNCTUATION = '[\\p{P}!-/:-@\\[-`{-~]'

/**
 * How a pre-tokeniser cuts text into the pieces that are tokenised apart from each other.
 *
 * `hold`: how many complete pieces must lie between a boundary and the end of the text for the boundary to stay whatever
 * follows; null when no number is known to be enough (patterns that look behind, pieces that drop text), 0 when it does
 * not cut at all.
 */
export interface PreTokenizerKind {
  /** For the library: stages that it implements otherwise than the reference, written in terms of those it does not. */
  readonly stage: Stage | null
  /** The same for text that continues a run: no prefix space. */
  readonly inside: Stage | null
  /**
   * Only the stages that cut or mark spaces, without the mapping of bytes to characters, so that piece lengths are text
   * lengths: for the start of a run (with the prefix of Metaspace) and for text that continues one.
   */
  readonly cuts: { readonly start: readonly Stage[]; readonly inside: readonly Stage[] }
  readonly hold: number | null
  /** A space is put before text that does not begin with one. */
  readonly prefix: 'none' | 'first' | 'always'
  /** The prefix is a space before a ByteLevel pattern, rather than a Metaspace marker inside `cuts`. */
  readonly prefixSpace: boolean
  /** Pieces end in bytes written as characters. */
  readonly byteLevel: boolean
}

const NONE: PreTokenizerKind = {
  stage: null,
  inside: null,
  cuts: { start: [], inside: [] },
  hold: 0,
  prefix: 'none',
  prefixSpace: false,
  byteLevel: false,
}

/** Sorts a pre-tokeniser of tokenizer.json into {@link PreTokenizerKind}. */
export function preTokenizerKind(stage: Stage | null | undefined): PreTokenizerKind {
  if (stage === null || stage === undefined) return NONE
  if (stage.type === 'Sequence') {
    return flattenStages(stage, 'pretokenizers', 'pre_tokenizer').map(preTokenizerKind).reduce(join, NONE)
  }
  switch (stage.type) {
    case 'ByteLevel':
      return byteLevel(stage)
    case 'Metaspace':
      return metaspace(stage)
    case 'Digits':
      // The reference splits on every kind of number, the library on ASCII digits only.
      return cutting(splitStage(stage.individual_digits ? '\\p{N}' : '\\p{N}+'), 1)
    case 'Punctuation':
      // The library always keeps runs of punctuation together; the reference does so only when it is told to.
      return splitting({ ...splitStage(PUNCTUATION), behavior: stage.behavior ?? 'Isolated' })
    case 'Split':
      return splitting(stage)
    case 'CharDelimiterSplit':
      return splitting({ type: 'Split', pattern: { String: stage.delimiter }, behavior: 'Removed' })
    case 'WhitespaceSplit':
      return splitting({ ...splitStage('\\s+'), behavior: 'Removed' })
    case 'Whitespace':
      // The library's pattern knows ASCII letters only.
      return splitting({ ...splitStage('\\w+|[^\\w\\s]+'), behavior: 'Removed', invert: true })
    case 'BertPreTokenizer':
      return join(splitting({ ...splitStage('\\s+'), behavior: 'Removed' }), splitting(splitStage(PUNCTUATION)))
    case 'FixedLength':
      return cutting(splitStage(`[\\s\\S]{1,${Number(stage.length ?? 5)}}`), 1)
    default:
      return cutting(stage, null)
  }
}

/** A stage that cuts text before every match of `pattern` and after it. (An empty match is one cut: patterns that match long
 * runs of anything exhaust the regular expression's stack.) */
export function splitStage(pattern: string): Stage {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
}

function cutting(stage: Stage, hold: number | null): PreTokenizerKind {
  return { ...NONE, stage, inside: stage, cuts: { start: [stage], inside: [stage] }, hold }
}

function byteLevel(stage: Stage): PreTokenizerKind {
  const bytes = { ...stage, use_regex: false, add_prefix_space: false }
  const base = { ...NONE, inside: bytes, byteLevel: true }
  const prefix = stage.add_prefix_space === true ? ('always' as const) : ('none' as const)
  if (stage.use_regex === false) {
    return { ...base, stage, prefix, prefixSpace: prefix !== 'none' }
  }
  const cut = splitStage(GPT2_PATTERN)
  const inside: Stage = { type: 'Sequence', pretokenizers: [cut, bytes] }
  // The library's built-in pattern takes a byte order mark for white space; the reference does not.
  if (prefix === 'none') return { ...base, stage: inside, inside, cuts: { start: [cut], inside: [cut] }, hold: 2 }
  return { ...base, stage, inside, cuts: { start: [cut], inside: [cut] }, hold: 2, prefix, prefixSpace: true }
}

function metaspace(stage: Stage): PreTokenizerKind {
  const scheme = stage.prepend_scheme ?? (stage.add_prefix_space === false ? 'never' : 'always')
  const prefix = scheme === 'never' ? 'none' : scheme === 'first' ? 'first' : 'always'
  const marker = typeof stage.replacement === 'string' ? stage.replacement : '▁'
  const mark = { ...stage, prepend_scheme: scheme }
  const markInside = { ...stage, prepend_scheme: 'never' }
  const markStart = { ...stage, prepend_scheme: prefix === 'none' ? 'never' : 'always' }
  const cuts = { start: [markStart], inside: [markInside] }
  if (stage.split === false) return { ...NONE, stage: mark, inside: markInside, cuts, prefix }
  const cut = splitStage(`(?=${marker})`)
  return {
    ...NONE,
    stage: { type: 'Sequence', pretokenizers: [mark, cut] },
    inside: { type: 'Sequence', pretokenizers: [markInside, cut] },
    cuts: { start: [markStart, cut], inside: [markInside, cut] },
    hold: 1,
    prefix,
  }
}

/**
 * Patterns look ahead at most to see whether white space ends; anything that looks behind or farther is not understood.
 * Whatever a stage drops or joins, it cuts where its matches begin and end, so a plain cut there says where boundaries are.
 */
function splitting(stage: Stage): PreTokenizerKind {
  const { pattern } = stage
  const { Regex, String: literal } = { ...Object(pattern) }
  const understood = typeof literal === 'string' || (typeof Regex === 'string' && looksOnlyAhead(Regex))
  const cut: Stage = {
    type: 'Split',
    pattern,
    behavior: joining(stage) ? stage.behavior : 'Isolated',
    invert: stage.invert,
  }
  return { ...cutting(stage, understood ? 2 : null), cuts: { start: [cut], inside: [cut] } }
}

/** Matches that are put together with their neighbours are no boundaries. */
function joining(stage: Stage): boolean {
  return /^(contiguous|mergedwith)/i.test(String(stage.behavior))
}

function looksOnlyAhead(pattern: string): boolean {
  const bare = pattern
    .replaceAll('(?!\\S)', '')
    .replaceAll(/\\s(?:\+\+?|\*\+?)\$/g, 's')
    .replaceAll(/\\[pP]\{[^}]*\}/g, 'p')
  if (/\\[bBAGzZ1-9k]/.test(bare)) return false
  const outside = bare
    .replaceAll(/\\./g, 'e')
    .replaceAll(/\[\^?\]?[^\]]*\]/g, 'c')
    .replaceAll(/\(\?(?:i:|:|>)/g, '(')
  return !/\(\?|\^|\$/.test(outside)
}

function join(a: PreTokenizerKind, b: PreTokenizerKind): PreTokenizerKind {
  const sequence = (...stages: (Stage | null)[]): Stage | null => {
    const parts = stages.filter(stage => stage !== null)
    return parts.length < 2 ? (parts[0] ?? null) : { type: 'Sequence', pretokenizers: parts }
  }
  const prefixesPieces = b.prefixSpace && a !== NONE
  return {
    stage: sequence(a.stage, b.stage),
    inside: sequence(a.inside, b.inside),
    cuts: { start: [...a.cuts.start, ...b.cuts.start], inside: [...a.cuts.inside, ...b.cuts.inside] },
    // A space put before every piece of an earlier cut is not followed.
    hold: a.hold === null || b.hold === null || prefixesPieces ? null : a.hold + b.hold,
    prefix: a.prefix === 'none' ? b.prefix : a.prefix,
    prefixSpace: a.prefixSpace || b.prefixSpace,
    byteLevel: a.byteLevel || b.byteLevel,
  }
}
