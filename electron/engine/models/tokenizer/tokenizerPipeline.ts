import {
  Tokenizer as LibraryTokenizer,
  type Normalizer,
  PreTokenizer,
  SequencePreTokenizer,
} from '@huggingface/tokenizers'
import { StatePackError } from '#shared/domain/error.ts'
import { type AddedToken, type AddedTokenScanner, createAddedTokenScanner } from './addedTokens.ts'
import { addByteFallback } from './byteFallback.ts'
import { createNormalizer } from './normalizer.ts'
import { type NormalizerKind, normalizerKind } from './normalizerBoundary.ts'
import { type PreTokenizerKind, preTokenizerKind, splitStage } from './preTokenizerKind.ts'
import { SplitText } from './splitText.ts'
import { flattenStages } from './stages.ts'
import type { Stage, TokenizerFiles } from './tokenizerFiles.ts'
import { createVocabularyReach, type VocabularyReach } from './vocabularyReach.ts'

/** Runs what reads so many characters of text, for as long as that may take. */
export type Within = <T>(characters: number, run: () => T) => T

/** The stages of a tokenizer, each usable alone: what the seam rule needs to know about how text becomes tokens. */
export interface TokenizerPipeline {
  readonly library: LibraryTokenizer
  /** Around each piece of a text that is read at once: patterns may be anybody's. */
  readonly within: Within
  readonly addedTokens: readonly AddedToken[]
  /** Added tokens matched in the text as it is. */
  readonly scanRaw: AddedTokenScanner
  /** Added tokens matched after the normaliser. */
  readonly scanNormalized: AddedTokenScanner
  readonly normalizer: NormalizerKind
  readonly preTokenizer: PreTokenizerKind
  /** Normalises the start of a run of text (`start`), or text that continues one (`inside`), either of which may go on. */
  normalize(text: string, at: 'start' | 'inside'): string
  /**
   * The pieces that are tokenised apart. Joined they give the text back, unless a stage drops text; spaces may be marked,
   * and a prefix of one character may come first.
   */
  cut(text: string, at: 'start' | 'inside'): string[]
  /**
   * For byte-pair models that see uncut text; null for those that see pieces. (Unigram models break ties by how rounding
   * adds up from the start of the text, so that no boundary in uncut text is safe.)
   */
  readonly reach: VocabularyReach | null
  /** Neighbouring unknown pieces become one unknown token, so that no boundary may lie between two. */
  readonly fusesUnknown: boolean
  readonly unknownId: number | null
  /** Why no boundary inside a text is safe, so that all of it is held back; null where there are safe ones. */
  readonly undecided: string | null
  /** Ids of text: at the start of a run with its prefix, or continuing one without. No special tokens are added. */
  encode(text: string, at: 'start' | 'inside'): Int32Array
  /** The same, with no added token matched: how a control token is read that is only quoted. */
  encodePlain(text: string, at: 'start' | 'inside'): Int32Array
}

/** Builds the pipeline from the library's own stages. Throws `E_TOKENIZER` for stages it does not know. */
export function createTokenizerPipeline(files: TokenizerFiles, within: Within): TokenizerPipeline {
  const { json, config } = files
  const addedTokens = (json.added_tokens ?? []).map(token => ({
    ...token,
    normalized: token.normalized ?? !token.special,
  }))
  const oneWord = addedTokens.find(token => token.single_word)
  if (oneWord !== undefined) {
    const message = `The added token ${JSON.stringify(oneWord.content)} matches whole words only, which is not supported.`
    throw new StatePackError('E_TOKENIZER', message, { file: 'tokenizer.json', field: 'added_tokens' })
  }
  const normalizer = normalizerKind(json.normalizer)
  const trims = config.remove_space === true || config.do_lowercase_and_remove_accent === true
  const isBytePairs = json.model.type === 'BPE'
  const preTokenizer = cutWordsWhereSafe(
    preTokenizerKind(withoutIdleSplit(json.pre_tokenizer, normalizer)),
    files,
    normalizer,
  )
  // Of the library: the model, the decoder and how they go together. The stages before the model are put in below.
  const stages = {
    decoder: null,
    ...json,
    ...{ normalizer: null, pre_tokenizer: null, post_processor: null, added_tokens: addedTokens },
  }

  let library: LibraryTokenizer
  let inside: LibraryTokenizer
  let open: { start: Normalizer | null; inside: Normalizer | null }
  let cutters: { start: PreTokenizer; inside: PreTokenizer }
  let scanRaw: AddedTokenScanner
  let scanNormalized: AddedTokenScanner
  try {
    // The library looks a word of a word-level model up in what tokenizer_config.json says is unknown.
    library = new LibraryTokenizer(stages, { unk_token: json.model.unk_token, ...config })
    open = { start: createNormalizer(normalizer.open.start), inside: createNormalizer(normalizer.open.inside) }
    cutters = {
      start: createPreTokenizer(preTokenizer.cuts.start),
      inside: createPreTokenizer(preTokenizer.cuts.inside),
    }
    const whole = createNormalizer(normalizer.stages)
    // Tokens that are matched after the normaliser, as it writes them; without one there is no after.
    const spelt = addedTokens.map(token => ({
      token,
      raw: !token.normalized || whole === null,
      text: token.normalized ? (whole?.normalize(token.content) ?? token.content) : token.content,
    }))
    scanRaw = createAddedTokenScanner(spelt.filter(({ raw }) => raw))
    scanNormalized = createAddedTokenScanner(spelt.filter(({ raw }) => !raw))
    // The library's own prefixing stage cuts by another pattern than the reference.
    const prefixes = preTokenizer.prefixSpace && preTokenizer.hold !== null && preTokenizer.inside !== null
    const first = prefixes
      ? { stage: preTokenizer.inside, before: [new PrefixSpace()] }
      : { stage: preTokenizer.stage, before: [] }
    Object.assign(library, {
      normalizer: whole,
      pre_tokenizer: first.stage === null ? null : createPreTokenizer([first.stage], ...first.before),
      splitter_unnormalized: splitterOf(scanRaw),
      splitter_normalized: splitterOf(scanNormalized),
      added_tokens_map: new Map(
        spelt.flatMap(({ token, text }) => [[token.content, token] as const, [text, token] as const]),
      ),
    })
    const { model } = library
    if (model !== null && json.model.type === 'Unigram' && json.model.byte_fallback === true) addByteFallback(model)
    // Shares the model and its tables; only the stages that know where text begins differ.
    inside = Object.create(library)
    inside.normalizer = createNormalizer(normalizer.inside)
    inside.pre_tokenizer = preTokenizer.inside === null ? null : createPreTokenizer([preTokenizer.inside])
  } catch (cause) {
    if (cause instanceof StatePackError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `This tokenizer cannot be used: ${reason}`
    throw new StatePackError('E_TOKENIZER', message, { file: 'tokenizer.json' }, cause)
  }

  const normalize = (text: string, at: 'start' | 'inside'): string => {
    return text === '' ? text : (open[at]?.normalize(text) ?? text)
  }
  const model = library.model
  const unknownId = model?.unk_token_id ?? null

  const ids = (encoder: LibraryTokenizer, text: string): Int32Array => {
    if (text === '') return new Int32Array(0)
    const encoded = encoder.encode(text, { add_special_tokens: false })
    return Int32Array.from(encoded.ids, (id, i) => {
      if (id === undefined) {
        const message = `The tokenizer has no token for ${JSON.stringify(encoded.tokens[i])}.`
        throw new StatePackError('E_TOKENIZER', message, { position: i })
      }
      return id
    })
  }

  const reach =
    isBytePairs && preTokenizer.hold === 0 && !preTokenizer.byteLevel ? createVocabularyReach(spellings(library)) : null
  const pointwise = normalizer.pointwise && !trims

  return {
    library,
    within,
    undecided: undecidedBecause({ pointwise, hold: preTokenizer.hold, reach }),
    addedTokens,
    scanRaw,
    scanNormalized,
    normalizer: { ...normalizer, pointwise },
    preTokenizer,
    normalize,
    cut(text, at) {
      const prefixed = preTokenizer.prefixSpace && at === 'start' && !text.startsWith(' ') ? ` ${text}` : text
      return cutters[at].pre_tokenize(prefixed)
    },
    reach,
    fusesUnknown: model?.fuse_unk === true && unknownId !== null,
    unknownId,
    encode(text, at) {
      if (at === 'start') return ids(library, text)
      const first = scanRaw(text, 'complete').matches[0]
      if (first === undefined) return ids(inside, text)
      const before = text.slice(0, first.start)
      const head = ids(inside, first.token.lstrip ? before.trimEnd() : before)
      const rest = ids(library, text.slice(first.start))
      const joined = new Int32Array(head.length + rest.length)
      joined.set(head)
      joined.set(rest, head.length)
      return joined
    },
    encodePlain(text, at) {
      const uncut = { split: (piece: string) => [piece] }
      const plain: LibraryTokenizer = Object.assign(Object.create(at === 'start' ? library : inside), {
        ...{ splitter_unnormalized: uncut, splitter_normalized: uncut, added_tokens_map: new Map() },
      })
      const found = ids(plain, text)
      const isSpecial = (id: number) => addedTokens.some(token => token.special && token.id === id)
      // A unigram vocabulary has its control tokens as pieces too.
      return found.some(isSpecial) ? Int32Array.from([...text].flatMap(character => [...ids(plain, character)])) : found
    },
  }
}

function undecidedBecause(rule: { pointwise: boolean; hold: number | null; reach: VocabularyReach | null }) {
  if (!rule.pointwise) return 'its normalizer looks at the text around a place'
  if (rule.hold === null) return 'its pre_tokenizer looks back, or far ahead'
  return rule.hold === 0 && rule.reach === null ? 'its model takes a text as one piece' : null
}

/** What the library cuts text at added tokens with: the parts between them, and the tokens themselves. */
function splitterOf(scan: AddedTokenScanner): { split(text: string): string[] } {
  return {
    split(text) {
      const parts: string[] = []
      let from = 0
      for (const { start, end, token } of scan(text, 'complete').matches) {
        if (start > from) parts.push(text.slice(from, start))
        parts.push(token.content)
        from = end
      }
      if (from < text.length) parts.push(text.slice(from))
      return parts
    },
  }
}

class PrefixSpace extends PreTokenizer {
  pre_tokenize_text(text: string): string[] {
    return [text.startsWith(' ') ? text : ` ${text}`]
  }
}

/** Gemma cuts at spaces after its normaliser has replaced them all: nothing is cut. */
function withoutIdleSplit(stage: Stage | null | undefined, { stages }: NormalizerKind): Stage | null {
  const pattern = stage?.type === 'Split' ? (stage.pattern as { String?: unknown } | undefined)?.String : undefined
  return stage === undefined || (pattern === ' ' && marksSpaces(stages)) ? null : stage
}

/**
 * A byte-pair vocabulary in which no token has a space marker after another character merges nothing across the start of
 * a word (Llama 2, Mistral, Gemma). Cutting there first gives the same tokens, in linear time and with short seams.
 */
function cutWordsWhereSafe(
  kind: PreTokenizerKind,
  files: TokenizerFiles,
  { stages }: NormalizerKind,
): PreTokenizerKind {
  const { model } = files.json
  if (kind.hold !== 0 || kind.byteLevel || model.type !== 'BPE' || kind.prefixSpace) return kind
  if (kind.stage === null && !marksSpaces(stages)) return kind
  if (model.end_of_word_suffix || model.continuing_subword_prefix) return kind
  const added = new Set((files.json.added_tokens ?? []).map(token => token.content))
  const vocabulary = Object.keys(model.vocab as Record<string, number>)
  if (vocabulary.some(token => /[^▁]▁/.test(token) && !added.has(token))) return kind
  const cut = splitStage('(?<=[^▁])(?=▁)')
  const after = (stage: Stage | null): Stage =>
    stage === null ? cut : { type: 'Sequence', pretokenizers: [stage, cut] }
  return {
    ...kind,
    stage: after(kind.stage),
    inside: after(kind.inside),
    cuts: { start: [...kind.cuts.start, cut], inside: [...kind.cuts.inside, cut] },
    hold: 1,
  }
}

/** The vocabulary without added tokens; ids that no token has are left out. */
function spellings(library: LibraryTokenizer): string[] {
  return [...library.get_vocab(false).keys()].filter(token => token !== undefined)
}

function marksSpaces(stages: readonly Stage[]): boolean {
  return stages.some(
    ({ type, content, pattern }) => type === 'Replace' && content === '▁' && Object(pattern).String === ' ',
  )
}

/** The stages one after another, `first` before them: by the library where it does what the reference does. */
function createPreTokenizer(stages: readonly Stage[], ...first: PreTokenizer[]): PreTokenizer {
  const sequence = new SequencePreTokenizer({ type: 'Sequence', pretokenizers: [] })
  const flat = stages.flatMap(stage => flattenStages(stage, 'pretokenizers', 'pre_tokenizer'))
  sequence.tokenizers = [...first, ...flat.map(createStage)]
  return sequence
}

function createStage(stage: Stage): PreTokenizer {
  if (stage.type === 'Split') return new SplitText(stage)
  const [made] = new SequencePreTokenizer({ type: 'Sequence', pretokenizers: [stage] as never[] }).tokenizers
  if (made === undefined || made === null) throw new Error(`Unknown PreTokenizer type: ${stage.type}`)
  return made
}
