import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { withinTime } from '../withinTime.ts'
import { createChatRenderer, type RenderChat } from './chat.ts'
import { surroundingIds } from './postProcessor.ts'
import { createPartsReader, type ReadParts } from './readParts.ts'
import { concatenate, type Folded, flush, fold, type SeamState } from './seam.ts'
import { createStreamDecoder, type StreamDecoder } from './streamDecoder.ts'
import { bytesOf, tokenSpelling } from './tokenBytes.ts'
import { type TokenizerFiles, type TokenizerSource, tokenizerFiles } from './tokenizerFiles.ts'
import { createTokenizerPipeline, type TokenizerPipeline, type Within } from './tokenizerPipeline.ts'
import { requireUsable, type TokenizerTrialOptions } from './tokenizerTrial.ts'
import { type TokenOffset, tokenOffsets } from './tokenOffsets.ts'
import type { ToolForm } from './toolForm.ts'

export type { ChatMessage, ChatOptions, RenderedChat } from './chat.ts'
export type { PartsRead, ReadPart, RunAfter } from './readParts.ts'
export type { Folded, SeamState } from './seam.ts'
export type { StreamDecoder } from './streamDecoder.ts'
export type { TokenOffset } from './tokenOffsets.ts'

/** `exact`: the tokens of the whole text, whatever the split. `concat`: each delta tokenised alone, as State Pack counts. */
export type SeamMode = 'exact' | 'concat'

/** The result of comparing tokens that were folded piece by piece with those of the whole text. */
export type SeamCheck =
  | { readonly exact: true }
  | { readonly exact: false; readonly commonPrefix: number; readonly expected: Int32Array }

/** Text to tokens and back, for one model. Pure: the same input gives the same output on every machine. */
export interface Tokenizer {
  /** Component +2: tokenizer.json's bytes, the special tokens and the chat template. */
  readonly digest: Digest
  /** What its files have and this app leaves out, in words. */
  readonly notes: readonly string[]
  /** One more than the largest id. */
  readonly vocabSize: number
  /** Ids of added tokens marked special, sorted. */
  readonly specialIds: readonly number[]
  /** Special tokens as text, in the order of {@link specialIds}. */
  readonly specialTokens: readonly string[]
  /** Ids put before a text (usually none, or the beginning-of-sequence token). */
  readonly prefixIds: readonly number[]
  readonly eosId: number | null
  readonly chatTemplate: string | null
  /**
   * Why texts are held back whole: no place in them is known to be a boundary between tokens whatever follows. null for
   * the tokenizers that have such places.
   */
  readonly undecidedSeams: string | null

  /** Ids of a whole text. `bos`: with what the tokenizer puts around a text (BOS); default false. */
  encode(text: string, options?: { bos?: boolean }): Int32Array
  /** The text of ids. Bytes that are no UTF-8 become U+FFFD. `skipSpecial` leaves special tokens out; default false. */
  decode(ids: Iterable<number>, options?: { skipSpecial?: boolean }): string
  /** A decoder for ids that arrive one by one; see {@link StreamDecoder}. */
  streamDecoder(options?: { skipSpecial?: boolean }): StreamDecoder

  /** What a token of a text writes; null for any other token. There is none where tokens are not put together one by one. */
  readonly bytesOf: ((id: number) => Uint8Array | null) | null

  /** Starts a run of text: `atStart: false` continues a sequence without the tokenizer's space prefix. */
  startRun(atStart?: boolean): SeamState
  /** Appends to a run of text; see {@link fold}. */
  fold(state: SeamState, delta: string, mode?: SeamMode): Folded
  /** The tokens of a held-back tail, once nothing follows it. */
  flush(state: SeamState): Int32Array
  /** Compares the tokens folded so far, with those of `tail`, to the tokens of the whole text. */
  checkSeam(wholeText: string, folded: Iterable<number>, state: SeamState): SeamCheck

  /** Appends text of several origins to a run; see {@link createPartsReader}. */
  readonly readParts: ReadParts

  /** A conversation in the model's chat template; see {@link createChatRenderer}. */
  readonly renderChat: RenderChat
  /** How the model is told of tools, and how it calls them. Throws `E_NOT_SUPPORTED` without a chat template. */
  readonly toolForm: () => ToolForm
  /** Which characters of `text` each id covers; see {@link tokenOffsets}. */
  offsets(text: string, ids: ArrayLike<number>): TokenOffset[]
}

/** Above this many characters a text is tokenised in folds: the library's own cost grows faster than the length. */
const WHOLE = 1 << 15

/**
 * Opens a tokenizer from what its files or a GGUF file say. Throws `E_TOKENIZER` when it is damaged, of a kind that is not
 * known, or without an end (see {@link requireUsable}).
 */
export async function openTokenizer(source: TokenizerSource, options: TokenizerTrialOptions): Promise<Tokenizer> {
  await requireUsable(source, options)
  const files = tokenizerFiles(source, { tried: true })
  if (options.own === true) return createTokenizer(files)
  const within = bounded()
  const tokenizer = createTokenizer(files, within)
  return {
    ...tokenizer,
    fold: (state, delta, mode) => within(state.tail.length + delta.length, () => tokenizer.fold(state, delta, mode)),
    checkSeam: (text, folded, state) => within(text.length, () => tokenizer.checkSeam(text, folded, state)),
    readParts: (state, parts, mode) => {
      const characters = parts.reduce((sum, part) => sum + part.text.length, state.tail.length)
      return within(characters, () => tokenizer.readParts(state, parts, mode))
    },
    offsets: (text, ids) => within(text.length, () => tokenizer.offsets(text, ids)),
  }
}

/** Milliseconds of work that reading a text may take, and characters that add one: a tenth of the pace of the slowest real one. */
const READING_MS = 1_000
const CHARACTERS_A_MS = 50

/**
 * What the trial did not find has an end, too: a short one, since nothing else has a turn meanwhile, and one only, since a
 * tokenizer that met it is not used again before it is opened anew.
 */
function bounded(): Within {
  let late: StatePackError | null = null
  let isInside = false
  return (characters, run) => {
    if (late !== null) throw late
    // A part of what has its end already. Each watch is a thread of its own, which takes longer than most texts.
    if (isInside) return run()
    isInside = true
    try {
      return withinTime(READING_MS + characters / CHARACTERS_A_MS, () => (late = tooSlow()), run)
    } finally {
      isInside = false
    }
  }
}

function tooSlow(): StatePackError {
  const message =
    'The tokenizer of this model does not come to an end on this text (a pattern that backtracks, say): the model is not used before it is opened again. Choose another model.'
  return new StatePackError('E_TOKENIZER', message, { file: 'tokenizer.json' })
}

/** From what its files say; what it may take is the caller's to say, by default no limit. Throws `E_TOKENIZER`. */
export function createTokenizer(files: TokenizerFiles, within: Within = (_, run) => run()): Tokenizer {
  const pipeline = createTokenizerPipeline(files, within)
  const spelling = tokenSpelling(pipeline, files.json.decoder)
  const special = pipeline.addedTokens.filter(token => token.special).sort((a, b) => a.id - b.id)
  const specialSet = new Set(special.map(token => token.id))
  const { before, after, digest } = around(files, pipeline)

  const encode: Tokenizer['encode'] = (text, { bos = false } = {}) => {
    const ids =
      text.length <= WHOLE ? within(text.length, () => pipeline.encode(text, 'start')) : encodeLong(pipeline, text)
    return bos ? concatenate([before, ids, after]) : ids
  }
  const streamDecoder: Tokenizer['streamDecoder'] = ({ skipSpecial = false } = {}) => {
    if (spelling === null) {
      throw new StatePackError('E_TOKENIZER', 'This tokenizer cannot be decoded one token at a time.', {
        field: 'decoder',
      })
    }
    return createStreamDecoder(spelling, skipSpecial ? id => specialSet.has(id) : undefined)
  }
  const decode: Tokenizer['decode'] = (ids, options = {}) => {
    if (spelling === null) return decodeWhole(pipeline, [...ids], options.skipSpecial ?? false)
    const decoder = streamDecoder(options)
    let text = ''
    for (const id of ids) text += decoder.push(id)
    return text + decoder.end()
  }
  const tokenizer: Tokenizer = {
    digest,
    notes: files.notes,
    vocabSize: pipeline.library.model?.vocab.length ?? 0,
    specialIds: special.map(token => token.id),
    specialTokens: special.map(token => token.content),
    prefixIds: [...before],
    eosId: pipeline.library.token_to_id(files.specialTokens.eos_token ?? '') ?? null,
    chatTemplate: files.chatTemplate,
    undecidedSeams: pipeline.undecided,
    encode,
    decode,
    streamDecoder,
    bytesOf: spelling && (id => bytesOf(spelling, { id, size: pipeline.library.model?.vocab.length ?? 0 })),
    startRun: (atStart = true) => ({ tail: '', atStart }),
    fold(state, delta, mode = 'exact') {
      if (mode === 'exact') return fold(pipeline, state, delta)
      const tokens = concatenate([flush(pipeline, state), encode(delta)])
      return { tokens, tail: '', atStart: state.atStart && tokens.length === 0 }
    },
    flush: state => flush(pipeline, state),
    checkSeam(wholeText, folded, state) {
      const found = concatenate([Int32Array.from(folded), flush(pipeline, state)])
      const expected = encode(wholeText)
      let common = 0
      while (common < found.length && found[common] === expected[common]) common++
      return common === found.length && common === expected.length
        ? { exact: true }
        : { exact: false, commonPrefix: common, expected }
    },
    readParts: createPartsReader(pipeline),
    ...createChatRenderer(
      files,
      special.map(token => token.content),
    ),
    offsets: (text, ids) => tokenOffsets({ pipeline, spelling }, text, ids),
  }
  return tokenizer
}

function encodeLong(pipeline: TokenizerPipeline, text: string): Int32Array {
  const folded = fold(pipeline, { tail: '', atStart: true }, text)
  return concatenate([folded.tokens, flush(pipeline, folded)])
}

/**
 * What stands around a text: what the post-processor puts there, and the beginning- and end-of-sequence tokens that
 * tokenizer_config.json asks for, or asks to leave out. A token without an id is left out.
 */
function around({ json, specialTokens, adds, digest }: TokenizerFiles, { library }: TokenizerPipeline) {
  const { before, after } = surroundingIds(json.post_processor)
  const idOf = (token: string | undefined) => (token === undefined ? null : (library.token_to_id(token) ?? null))
  const bos = idOf(specialTokens.bos_token)
  const eos = idOf(specialTokens.eos_token)
  const start = adds.bos === null || bos === null ? before : before.filter(id => id !== bos)
  const end = adds.eos === null || eos === null ? after : after.filter(id => id !== eos)
  const own = {
    before: adds.bos === true && bos !== null ? [bos, ...start] : start,
    after: adds.eos === true && eos !== null ? [...end, eos] : end,
  }
  const asWritten = JSON.stringify(own) === JSON.stringify({ before, after })
  return {
    before: Int32Array.from(own.before),
    after: Int32Array.from(own.after),
    digest: asWritten ? digest : sha256(canonicalBytes({ digest, ...own })),
  }
}

function decodeWhole({ library }: TokenizerPipeline, ids: number[], skipSpecial: boolean): string {
  if (ids.length === 0) return ''
  return library.decode(ids, { skip_special_tokens: skipSpecial, clean_up_tokenization_spaces: false })
}
