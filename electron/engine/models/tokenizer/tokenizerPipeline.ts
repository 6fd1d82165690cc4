import {
  Tokenizer as LibraryTokenizer,
  PreTokenizer,
  SequenceNormalizer,
  SequencePreTokenizer,
} from '@huggingface/tokenizers'
import { StatePackError } from '#shared/domain/error.ts'
import { type AddedToken, type AddedTokenScanner, createAddedTokenScanner } from './addedTokens.ts'
import { type NormalizerKind, normalizerKind } from './normalizerBoundary.ts'
import { type PreTokenizerKind, preTokenizerKind, splitStage } from './preTokenizerKind.ts'
import type { Stage, TokenizerFiles } from './tokenizerFiles.ts'
import { createVocabularyReach, type VocabularyReach } from './vocabularyReach.ts'

/** The stages of a tokenizer, each usable alone: what the seam rule needs to know about how text becomes tokens. */
export interface TokenizerPipeline {
  readonly library: LibraryTokenizer
  readonly addedTokens: readonly AddedToken[]
  /** Added tokens matched in the text as it is. */
  readonly scanRaw: AddedTokenScanner
  /** Added tokens matched after the normaliser. */
  readonly scanNormalized: AddedTokenScanner
  readonly normalizer: NormalizerKind
  readonly preTokenizer: PreTokenizerKind
  /** Normalises the start of a run of text (`start`), or text that continues one (`inside`). */
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
  /** Ids of text: at the start of a run with its prefix, or continuing one without. No special tokens are added. */
  encode(text: string, at: 'start' | 'inside'): Int32Array
}

/** Builds the pipeline from the library's own stages. Throws `E_TOKENIZER` for stages it does not know. */
export function createTokenizerPipeline(files: TokenizerFiles): TokenizerPipeline {
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
  const preTokenizer = cutWordsWhereSafe(preTokenizerKind(withoutIdleSplit(json.pre_tokenizer, json.normalizer)), files)
  const stages = {
    normalizer: null,
    post_processor: null,
    decoder: null,
    ...json,
    added_tokens: json.added_tokens ?? [],
  }

  let library: LibraryTokenizer
  let insideNormalizer: SequenceNormalizer
  let cutters: { start: SequencePreTokenizer; inside: SequencePreTokenizer }
  let inside: LibraryTokenizer
  try {
    library = new LibraryTokenizer({ ...stages, pre_tokenizer: preTokenizer.stage }, config)
    insideNormalizer = new SequenceNormalizer(asSequence('normalizers', normalizer.inside))
    cutters = {
      start: new SequencePreTokenizer(asSequence('pretokenizers', ...preTokenizer.cuts.start)),
      inside: new SequencePreTokenizer(asSequence('pretokenizers', ...preTokenizer.cuts.inside)),
    }
    if (preTokenizer.prefixSpace && preTokenizer.hold !== null && preTokenizer.inside !== null) {
      // The library's own prefixing stage cuts by another pattern than the reference.
      const prefixed = new SequencePreTokenizer(asSequence('pretokenizers', preTokenizer.inside))
      prefixed.tokenizers.unshift(new PrefixSpace())
      library.pre_tokenizer = prefixed
    }
    // Shares the model and its tables; only the stages that know where text begins differ.
    inside = Object.create(library)
    inside.normalizer = normalizer.inside === null ? null : insideNormalizer
    inside.pre_tokenizer =
      preTokenizer.inside === null ? null : new SequencePreTokenizer(asSequence('pretokenizers', preTokenizer.inside))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `This tokenizer cannot be used: ${reason}`
    throw new StatePackError('E_TOKENIZER', message, { file: 'tokenizer.json' }, cause)
  }

  const normalize = (text: string, at: 'start' | 'inside'): string => {
    if (at === 'inside') return insideNormalizer.normalize(text)
    return library.normalizer === null || text === '' ? text : library.normalizer.normalize(text)
  }
  // The library matches normalised tokens in unnormalised text when there is no normaliser.
  const isRaw = (token: AddedToken): boolean => !token.normalized || library.normalizer === null
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
  const scanRaw = createAddedTokenScanner(addedTokens.filter(isRaw).map(token => ({ text: token.content, token })))

  return {
    library,
    addedTokens,
    scanRaw,
    scanNormalized: createAddedTokenScanner(
      addedTokens.filter(token => !isRaw(token)).map(token => ({ text: normalize(token.content, 'start'), token })),
    ),
    normalizer: { ...normalizer, pointwise: normalizer.pointwise && !trims },
    preTokenizer,
    normalize,
    cut(text, at) {
      const prefixed = preTokenizer.prefixSpace && at === 'start' && !text.startsWith(' ') ? ` ${text}` : text
      return cutters[at].pre_tokenize(prefixed)
    },
    reach:
      isBytePairs && preTokenizer.hold === 0 && !preTokenizer.byteLevel
        ? createVocabularyReach(spellings(library))
        : null,
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
  }
}

class PrefixSpace extends PreTokenizer {
  pre_tokenize_text(text: string): string[] {
    return [text.startsWith(' ') ? text : ` ${text}`]
  }
}

/** Gemma cuts at spaces after its normaliser has replaced them all: nothing is cut. */
function withoutIdleSplit(stage: Stage | null | undefined, normalizer: Stage | null | undefined): Stage | null {
  const pattern = stage?.type === 'Split' ? (stage.pattern as { String?: unknown } | undefined)?.String : undefined
  return stage === undefined || (pattern === ' ' && marksSpaces(normalizer)) ? null : stage
}

/**
 * A byte-pair vocabulary in which no token has a space marker after another character merges nothing across the start of
 * a word (Llama 2, Mistral, Gemma). Cutting there first gives the same tokens, in linear time and with short seams.
 */
function cutWordsWhereSafe(kind: PreTokenizerKind, files: TokenizerFiles): PreTokenizerKind {
  const { model, normalizer } = files.json
  if (kind.hold !== 0 || kind.byteLevel || model.type !== 'BPE' || kind.prefixSpace) return kind
  if (kind.stage === null && !marksSpaces(normalizer)) return kind
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

function marksSpaces(stage: Stage | null | undefined): boolean {
  if (stage === null || stage === undefined) return false
  if (stage.type === 'Sequence') return ((stage.normalizers ?? []) as Stage[]).some(marksSpaces)
  return stage.type === 'Replace' && stage.content === '▁' && (stage.pattern as { String?: unknown })?.String === ' '
}

function asSequence<Key extends 'normalizers' | 'pretokenizers'>(key: Key, ...stages: (Stage | null)[]) {
  const parts = stages.filter(stage => stage !== null)
  return { type: 'Sequence', [key]: parts } as { type: 'Sequence' } & Record<Key, never[]>
}
