/** What tokenizer.json files of the hub have besides the reference families' stages: name, family, what is changed. */
import type { TokenizerFile } from './variantTokenizer.ts'

type Change = (file: TokenizerFile) => void

const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
const sequence = (...pretokenizers: unknown[]) => ({ type: 'Sequence', pretokenizers })
const splitting =
  (Regex: string, behavior = 'Isolated', invert = false): Change =>
  file => {
    file.pre_tokenizer = sequence({ type: 'Split', pattern: { Regex }, behavior, invert }, bytes)
  }
const cutting =
  (...stages: unknown[]): Change =>
  file => {
    file.pre_tokenizer = sequence(...stages, bytes)
  }
const normalizing =
  (...normalizers: unknown[]): Change =>
  file => {
    file.normalizer = { type: 'Sequence', normalizers }
  }
const marks = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
const spaces = (Regex: string, content: string) => ({ type: 'Replace', pattern: { Regex }, content })
const bert = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
}
const strip = { type: 'Strip', strip_left: true, strip_right: true }

const CL100K =
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"

/** Pieces of text with scores; bytes for what they do not hold. */
function unigram(file: TokenizerFile): void {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz', (letter, i) => [letter, -2 - i / 10])
  const words = ['▁the', 'the', 'ing', '▁a', 'er', 'é'].map((word, i) => [word, -3 - i / 7])
  const fallback = Array.from({ length: 256 }, (_, byte) => [
    `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    -9,
  ])
  const vocab = [['<unk>', 0], ['▁', -1], ...letters, ...words, ...fallback]
  file.model = { type: 'Unigram', unk_id: 0, byte_fallback: true, vocab } as never
  file.added_tokens = []
  file.normalizer = null
  file.pre_tokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true }
  file.post_processor = null
  file.decoder = { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] }
}

function withoutSpecial(file: TokenizerFile): void {
  file.added_tokens = []
  file.post_processor = null
  file.normalizer = null
}

/** Words of a list, by whole word or in pieces. */
function words(type: 'WordLevel' | 'WordPiece'): Change {
  return file => {
    withoutSpecial(file)
    const list = ['[UNK]', 'the', 'goat', '.', 'a', 'b', 'c', '##a', '##b', '##c', '##oat', 'red', '1', '2', '##1']
    const vocab = Object.fromEntries(list.map((word, i) => [word, i]))
    const pieces = { continuing_subword_prefix: '##', max_input_chars_per_word: 100 }
    file.model = { type, unk_token: '[UNK]', vocab, ...(type === 'WordPiece' && pieces) } as never
    file.pre_tokenizer = { type: 'Whitespace' }
    file.decoder = null
  }
}

export const FEATURES: readonly (readonly [name: string, family: string, change: Change])[] = [
  ['white space stripped at both ends', 'gpt2-style', normalizing(strip)],
  ['white space stripped after the spaces are marked', 'gpt2-style', normalizing({ type: 'NFC' }, marks, strip)],
  ['white space stripped on the left', 'gpt2-style', normalizing({ ...strip, strip_right: false })],
  [
    'white space stripped, SentencePiece',
    'sentencepiece-style',
    normalizing(strip, { type: 'Prepend', prepend: '▁' }, marks),
  ],
  ['runs of spaces made one', 'gpt2-style', normalizing(spaces(' {2,}', ' '))],
  ['runs of white space marked', 'metaspace-style', normalizing(spaces('\\s+', ' '))],
  ['lower case, character by character', 'gpt2-style', normalizing({ type: 'Lowercase' })],
  ['accents taken away', 'gpt2-style', normalizing({ type: 'NFD' }, { type: 'StripAccents' }, { type: 'Lowercase' })],
  ['capitals and accents as BERT', 'gpt2-style', normalizing(bert)],
  ['a dollar sign put in', 'gpt2-style', normalizing({ ...marks, pattern: { String: 'a' }, content: '$&$1' })],
  ['cl100k, possessive, with an anchor', 'llama3-style', splitting(CL100K)],
  ['a possessive quantifier that matters', 'gpt2-style', splitting('s++s|[^s]+|.')],
  ['an atomic group that matters', 'gpt2-style', splitting('(?>s+|t)s|[^st]+|.')],
  ['pieces removed but for the matches', 'gpt2-style', splitting('\\w+|[^\\w\\s]+', 'Removed', true)],
  ['matches removed', 'gpt2-style', splitting('\\s+', 'Removed')],
  ['matches isolated, inverted', 'gpt2-style', splitting('\\p{L}+', 'Isolated', true)],
  ['matches merged with what comes before', 'gpt2-style', splitting('[.,;] ?', 'MergedWithPrevious')],
  ['matches merged with what comes after', 'gpt2-style', splitting(' ', 'MergedWithNext')],
  ['matches in a row merged', 'gpt2-style', splitting('[.,;!?]', 'Contiguous')],
  ['a delimiter', 'gpt2-style', cutting({ type: 'CharDelimiterSplit', delimiter: ' ' })],
  ['words and marks in any script', 'gpt2-style', cutting({ type: 'Whitespace' })],
  ['white space split', 'gpt2-style', cutting({ type: 'WhitespaceSplit' })],
  ['BERT', 'gpt2-style', cutting({ type: 'BertPreTokenizer' })],
  ['punctuation removed', 'gpt2-style', cutting({ type: 'Punctuation', behavior: 'Removed' })],
  ['pieces of one length', 'gpt2-style', cutting({ type: 'FixedLength', length: 3 })],
  ['unigram with byte fallback', 'metaspace-style', unigram],
  ['whole words', 'gpt2-style', words('WordLevel')],
  ['pieces of words', 'gpt2-style', words('WordPiece')],
]
