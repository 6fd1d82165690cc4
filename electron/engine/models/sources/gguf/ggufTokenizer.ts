/** The tokenizer of a GGUF file: what a tokenizer.json says, from `tokenizer.*` of the metadata. */
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Stage, TokenizerFiles } from '../../tokenizer/tokenizerFiles.ts'
import type { GgufMetadata, GgufValue } from './ggufMetadata.ts'
import { ggufPreTokenization, PRE_TOKENIZATION_NAMES } from './ggufPreTokenizers.ts'
import { mergesOfScores } from './mergesOfScores.ts'

/** `tokenizer.ggml.token_type`: kinds of tokens, from SentencePiece. */
const [NORMAL, CONTROL, USER_DEFINED] = [1, 3, 4]
/** Tokens that end a turn, which files often leave unnamed (llama.cpp ends at them too). */
const TURN_ENDS: ReadonlySet<string> = new Set([
  ...['<|eot_id|>', '<|eom_id|>', '<|im_end|>', '<|end|>', '<end_of_turn>', '<|endoftext|>', '<|end_of_text|>'],
  ...['<EOT>', '<|return|>', '<|end_of_role|>', '</s>'],
])

interface Vocabulary {
  readonly tokens: readonly string[]
  readonly kinds: Float64Array
  readonly scores: Float64Array | null
}

/** What the model and its tokenizer are made of; null when the file has no tokenizer. Throws `E_TOKENIZER`, naming the key. */
export function ggufTokenizer(metadata: GgufMetadata): { files: TokenizerFiles; eosTokenIds: number[] } | null {
  const kind = metadata.get('tokenizer.ggml.model')
  if (kind === undefined || kind === 'no_vocab' || kind === 'none') return null
  const vocabulary = readVocabulary(metadata)
  const pipeline =
    kind === 'gpt2' ? bytePairs(metadata, vocabulary) : kind === 'llama' ? scored(metadata, vocabulary) : null
  if (pipeline === null) throw keyError('tokenizer.ggml.model', `is ${String(kind)}; gpt2 and llama are read`)
  const { tokens, kinds } = vocabulary
  const special = (name: string): string | null => tokens[idOf(metadata, name, tokens.length) ?? -1] ?? null
  const [bos, eos] = [special('bos'), special('eos')]
  const flag = (key: string, otherwise: boolean) => metadata.get(key) ?? otherwise
  const before = bos !== null && flag('tokenizer.ggml.add_bos_token', pipeline.addsBos) === true ? [bos] : []
  const after = eos !== null && flag('tokenizer.ggml.add_eos_token', false) === true ? [eos] : []
  const json = {
    ...pipeline.stages,
    added_tokens: tokens.flatMap((content, id) =>
      content !== '' && (kinds[id] === CONTROL || kinds[id] === USER_DEFINED)
        ? [
            {
              id,
              content,
              single_word: false,
              lstrip: false,
              rstrip: false,
              normalized: false,
              special: kinds[id] === CONTROL,
            },
          ]
        : [],
    ),
    post_processor: surround(before, after, tokens),
  }
  const named = { bos_token: bos, eos_token: eos, unk_token: special('unknown'), pad_token: special('padding') }
  const specialTokens = Object.fromEntries(
    Object.entries(named).filter((entry): entry is [string, string] => entry[1] !== null),
  )
  const ends = ['eos', 'eot', 'eom'].map(name => idOf(metadata, name, tokens.length)).filter(id => id !== null)
  const turnEnds = tokens.flatMap((token, id) => (kinds[id] === CONTROL && TURN_ENDS.has(token) ? [id] : []))
  return {
    files: {
      json,
      config: specialTokens,
      digest: digestOf(metadata),
      specialTokens,
      // The post-processor above says it.
      adds: { bos: null, eos: null },
      chatTemplate: templateOf(metadata),
      notes: [],
    },
    eosTokenIds: [...new Set([...ends, ...turnEnds])],
  }
}

function readVocabulary(metadata: GgufMetadata): Vocabulary {
  const tokens = strings(metadata, 'tokenizer.ggml.tokens')
  const kinds = metadata.get('tokenizer.ggml.token_type')
  const scores = metadata.get('tokenizer.ggml.scores')
  for (const [name, list] of Object.entries({ token_type: kinds, scores })) {
    const isEach = list instanceof Float64Array && list.length === tokens.length && list.every(Number.isFinite)
    if (list !== undefined && !isEach) {
      throw keyError(`tokenizer.ggml.${name}`, `has not one number for each of ${tokens.length} tokens`)
    }
  }
  return {
    tokens,
    kinds: kinds instanceof Float64Array ? kinds : new Float64Array(tokens.length).fill(NORMAL),
    scores: scores instanceof Float64Array ? scores : null,
  }
}

interface Pipeline {
  readonly stages: {
    readonly normalizer: Stage | null
    readonly pre_tokenizer: Stage | null
    readonly decoder: Stage
  } & {
    readonly model: TokenizerFiles['json']['model']
  }
  readonly addsBos: boolean
}

/** Byte-pair encoding over bytes written as characters, as GPT-2 has it. */
function bytePairs(metadata: GgufMetadata, vocabulary: Vocabulary): Pipeline {
  const name = metadata.get('tokenizer.ggml.pre')
  const kind = typeof name === 'string' ? ggufPreTokenization(name) : null
  if (kind === null) {
    const known = PRE_TOKENIZATION_NAMES.join(', ')
    const problem = name === undefined ? 'is not there' : `is ${JSON.stringify(name)}, which is not known`
    throw keyError('tokenizer.ggml.pre', `${problem}: its texts cannot be cut as it was trained; known: ${known}`)
  }
  const merges = strings(metadata, 'tokenizer.ggml.merges')
  const model = { ...table(vocabulary), type: 'BPE', merges, ignore_merges: kind.ignoreMerges, byte_fallback: false }
  const decoder = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true }
  return { stages: { normalizer: kind.normalizer, pre_tokenizer: kind.cut, decoder, model }, addsBos: kind.addsBos }
}

/** SentencePiece's byte-pair encoding: spaces are marked, unknown characters are bytes, the better score merges first. */
function scored(metadata: GgufMetadata, vocabulary: Vocabulary): Pipeline {
  const { scores, tokens, kinds } = vocabulary
  if (scores === null) throw keyError('tokenizer.ggml.scores', 'is not there')
  const prefix = metadata.get('tokenizer.ggml.add_space_prefix') !== false
  const marked = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
  const spaces = { type: 'Replace', pattern: { String: '▁' }, content: ' ' }
  const strip = prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []
  const merges = mergesOfScores(tokens, scores, id => kinds[id] === NORMAL)
  if (merges === null) throw keyError('tokenizer.ggml.tokens', 'has too many characters in tokens that are too long')
  const unknown = tokens[idOf(metadata, 'unknown', tokens.length) ?? kinds.indexOf(2)] ?? null
  return {
    stages: {
      normalizer: { type: 'Sequence', normalizers: [...(prefix ? [{ type: 'Prepend', prepend: '▁' }] : []), marked] },
      pre_tokenizer: null,
      decoder: { type: 'Sequence', decoders: [spaces, { type: 'ByteFallback' }, { type: 'Fuse' }, ...strip] },
      model: {
        ...{ ...table(vocabulary), type: 'BPE', merges },
        ...{ unk_token: unknown, fuse_unk: true, byte_fallback: true },
      },
    },
    addsBos: true,
  }
}

function table({ tokens }: Vocabulary): { vocab: Record<string, number> } {
  const ids = new Map(tokens.map((token, id) => [token, id]))
  if (ids.size !== tokens.length) throw keyError('tokenizer.ggml.tokens', 'has the same token twice')
  return { vocab: Object.fromEntries(ids) }
}

function surround(before: readonly string[], after: readonly string[], tokens: readonly string[]): Stage | null {
  if (before.length + after.length === 0) return null
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const used = [...new Set([...before, ...after])]
  return {
    type: 'TemplateProcessing',
    single: [...before.map(token), { Sequence: { id: 'A', type_id: 0 } }, ...after.map(token)],
    pair: [],
    special_tokens: Object.fromEntries(used.map(id => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }])),
  }
}

/** The id that `tokenizer.ggml.NAME_token_id` names; null when there is none. */
function idOf(metadata: GgufMetadata, name: string, tokens: number): number | null {
  const key = `tokenizer.ggml.${name}_token_id`
  const id = metadata.get(key)
  if (id === undefined || id === 0xffffffff || id === -1) return null
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= tokens) throw keyError(key, `is ${String(id)}`)
  return id
}

function templateOf(metadata: GgufMetadata): string | null {
  const template = metadata.get('tokenizer.chat_template')
  return typeof template === 'string' ? template : null
}

/** Everything that decides which ids a text gets, as stored. */
function digestOf(metadata: GgufMetadata) {
  const number = (value: number) => (Number.isFinite(value) ? value : String(value))
  const plain = (value: GgufValue) =>
    value instanceof Float64Array ? Array.from(value, number) : typeof value === 'number' ? number(value) : value
  const own = [...metadata].filter(([key]) => key.startsWith('tokenizer.'))
  return sha256(canonicalBytes({ v: 1, gguf: Object.fromEntries(own.map(([key, value]) => [key, plain(value)])) }))
}

function strings(metadata: GgufMetadata, key: string): readonly string[] {
  const list = metadata.get(key)
  if (Array.isArray(list)) return list
  throw keyError(key, 'is no list of texts')
}

function keyError(key: string, problem: string): StatePackError {
  return new StatePackError('E_TOKENIZER', `The tokenizer of the GGUF file cannot be used: ${key} ${problem}.`, {
    field: key,
  })
}
