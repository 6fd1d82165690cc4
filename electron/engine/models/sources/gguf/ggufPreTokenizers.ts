/** The names that GGUF files give to ways of cutting text (`tokenizer.ggml.pre`), as stages of a tokenizer.json. */
import type { Stage } from '../../tokenizer/tokenizerFiles.ts'

export interface PreTokenization {
  readonly normalizer: Stage | null
  readonly cut: Stage
  /** A piece that is a token of the vocabulary is that token, whatever the merges say. */
  readonly ignoreMerges: boolean
  /** What `tokenizer.ggml.add_bos_token` is where the file does not say. */
  readonly addsBos: boolean
}

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const TAIL = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
/** cl100k and its relatives: numbers of at most `digits`. */
const words = (digits: string) =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${TAIL}`
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'
/** o200k and its relatives: words end where their letters become small. */
const casedWords = (contractions: string, digits: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${contractions}|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${contractions}` +
  `|\\p{N}${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${TAIL}`
const MARKED_WORDS = `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${TAIL}`

const split = (pattern: string): Stage => ({
  ...{ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
})
const bytes = (useRegex: boolean): Stage => ({
  ...{ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: useRegex },
})
const sequence = (...pretokenizers: Stage[]): Stage => ({ type: 'Sequence', pretokenizers })
const byPatterns = (...patterns: string[]) => plain(sequence(...patterns.map(split), bytes(false)))
const plain = (cut: Stage): PreTokenization => ({ normalizer: null, cut, ignoreMerges: false, addsBos: false })

const GPT2 = plain(bytes(true))
const DIGITS = plain(sequence({ type: 'Digits', individual_digits: true }, bytes(true)))
const LLAMA3: PreTokenization = { ...byPatterns(words('{1,3}')), ignoreMerges: true, addsBos: true }
const QWEN2: PreTokenization = { ...byPatterns(words('')), normalizer: { type: 'NFC' } }
const FALCON = plain(
  sequence(
    { type: 'Punctuation', behavior: 'Contiguous' },
    bytes(true),
    { type: 'Digits', individual_digits: false },
    split('[0-9][0-9][0-9]'),
  ),
)

/** Chinese and Japanese apart from other letters, and a sign may begin a word. */
const DEEPSEEK3 = byPatterns(
  '\\p{N}{1,3}',
  '[一-龥\u3040-ゟ゠-ヿ]+',
  `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${TAIL}`,
)
const DEEPSEEK_CODER = byPatterns('[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', '[一-龥ࠀ-一가-\ud7ff]+', '\\p{N}')
/** Signs do not take the line's end with them. */
const SEED_CODER = byPatterns(
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${TAIL}`,
)

const NAMED: readonly (readonly [PreTokenization, string])[] = [
  [
    GPT2,
    'gpt-2 gpt2 phi-2 mpt olmo jais trillion granite-docling roberta-bpe jina-es jina-de jina-code a.x-4.0 gigachat mellum exaone4',
  ],
  [DIGITS, 'smollm starcoder refact command-r codeshell exaone minerva-7b'],
  [LLAMA3, 'llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2'],
  [byPatterns(words('{1,3}')), 'dbrx smaug-bpe chatglm-bpe glm4'],
  [QWEN2, 'qwen2 deepseek-r1-qwen stablelm2 hunyuan megrez kormo solar-open'],
  [{ ...byPatterns(MARKED_WORDS), normalizer: { type: 'NFC' } }, 'qwen35'],
  [{ ...byPatterns(casedWords('', '')), ignoreMerges: true, addsBos: true }, 'tekken'],
  [byPatterns(casedWords(`${CONTRACTIONS}?`, '{1,3}')), 'gpt-4o llama4'],
  [FALCON, 'falcon'],
  [DEEPSEEK3, 'deepseek-v3 hunyuan-dense'],
  [DEEPSEEK_CODER, 'deepseek-coder'],
  [SEED_CODER, 'seed-coder'],
  [byPatterns('\\p{N}{1,3}', words('+')), 'minicpm5'],
]

export const PRE_TOKENIZATION_NAMES: readonly string[] = NAMED.flatMap(([, names]) => names.split(' '))

const BY_NAME: ReadonlyMap<string, PreTokenization> = new Map(
  NAMED.flatMap(([kind, names]) => names.split(' ').map(name => [name, kind] as const)),
)

/** null for a name that is not known. */
export function ggufPreTokenization(name: string): PreTokenization | null {
  return BY_NAME.get(name) ?? null
}
