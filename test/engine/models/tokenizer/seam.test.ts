import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Tokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { openTokenizer } from '../../../model/openTokenizer.ts'
import { awkwardSplit, awkwardText, ENGLISH, seeded } from '../../../model/seamTexts.ts'
import { percentile, trySeam } from '../../../model/seamTrial.ts'
import { addTokens, openFamily, openVariant, type TokenizerFile } from './variantTokenizer.ts'

const trials = process.env.DEEP ? 10_000 : 150
const cases: string[] = JSON.parse(
  readFileSync(resolve('test/golden/tokenizers/gpt2-style/golden.json'), 'utf8'),
).cases.map((entry: { text: string }) => entry.text)

const digits = { type: 'Digits', individual_digits: false }
const gpt2 = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
const bytes = { ...gpt2, use_regex: false }
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false })
const sequence = (...pretokenizers: unknown[]) => ({ type: 'Sequence', pretokenizers })
const strippers = [
  { content: '<|user|>', rstrip: true },
  { content: '<|mask|>', lstrip: true },
  { content: '<|both|>', lstrip: true, rstrip: true },
  { content: '<|u' },
]
const O200K =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const gemma = (file: TokenizerFile): void => {
  file.normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
  file.pre_tokenizer = { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false }
}
const metaspace = (change: Record<string, unknown>) => (file: TokenizerFile) => {
  file.pre_tokenizer = { ...(file.pre_tokenizer as object), ...change }
}
const unigram = (scheme: object) => (file: TokenizerFile) => {
  const scored = Object.entries(file.model.vocab).sort((a, b) => a[1] - b[1])
  const vocab = scored.map(([token], i) => [token, -1 - 0.01 * i - (token.length > 1 ? 0 : 8)])
  file.model = { type: 'Unigram', unk_id: 0, vocab } as never
  file.normalizer = null
  file.pre_tokenizer = { type: 'Metaspace', replacement: '▁', ...scheme }
}

/** How published tokenizers differ from the reference families: name, family it is made from, what is changed. */
const VARIANTS: [name: string, family: string, change: (file: TokenizerFile) => void][] = [
  [
    'GPT-NeoX: NFC, runs of spaces as added tokens matched after it',
    'gpt2-style',
    file => {
      file.normalizer = { type: 'NFC' }
      const spaces = Array.from({ length: 23 }, (_, i) => ({
        content: ' '.repeat(i + 2),
        normalized: true,
        special: false,
      }))
      addTokens(file, spaces)
    },
  ],
  ['byte-level with added tokens that swallow spaces', 'gpt2-style', file => addTokens(file, strippers)],
  ['NFC with added tokens that swallow spaces', 'qwen2-style', file => addTokens(file, strippers)],
  ['SentencePiece with added tokens that swallow spaces', 'sentencepiece-style', file => addTokens(file, strippers)],
  ['Metaspace with added tokens that swallow spaces', 'metaspace-style', file => addTokens(file, strippers)],
  ['words crossed, added tokens that swallow spaces', 'sentencepiece-crossing', file => addTokens(file, strippers)],
  [
    'byte-level with a prefix space',
    'gpt2-style',
    file => Object.assign(file, { pre_tokenizer: { ...gpt2, add_prefix_space: true } }),
  ],
  ['Metaspace with a prefix after every added token', 'metaspace-style', metaspace({ prepend_scheme: 'always' })],
  ['Metaspace without a prefix', 'metaspace-style', metaspace({ prepend_scheme: 'never' })],
  ['Metaspace that does not cut', 'metaspace-style', metaspace({ split: false })],
  ['Gemma', 'sentencepiece-style', gemma],
  ['Gemma with tokens that cross words', 'sentencepiece-crossing', gemma],
  ['unigram', 'sentencepiece-crossing', unigram({ prepend_scheme: 'always', split: true })],
  ['unigram that does not cut', 'sentencepiece-crossing', unigram({ prepend_scheme: 'first', split: false })],
  [
    'Falcon',
    'gpt2-style',
    file => {
      const punctuation = { type: 'Punctuation', behavior: 'Contiguous' }
      file.pre_tokenizer = sequence(punctuation, gpt2, digits, split('[0-9][0-9][0-9]'))
    },
  ],
  [
    'single punctuation marks',
    'gpt2-style',
    file => Object.assign(file, { pre_tokenizer: sequence({ type: 'Punctuation' }, gpt2) }),
  ],
  ['o200k', 'llama3-style', file => Object.assign(file, { pre_tokenizer: sequence(split(O200K), bytes) })],
  [
    'DeepSeek',
    'llama3-style',
    file => {
      const marks = '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+'
      const words = `${marks}|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
      file.pre_tokenizer = sequence(split('\\p{N}{1,3}'), split('[一-龥぀-ゟ゠-ヿ]+'), split(words), bytes)
    },
  ],
  ['compatibility normalisation', 'gpt2-style', file => Object.assign(file, { normalizer: { type: 'NFKC' } })],
  ['decomposition', 'gpt2-style', file => Object.assign(file, { normalizer: { type: 'NFD' } })],
  [
    'a pattern that looks far ahead',
    'llama3-style',
    file =>
      Object.assign(file, {
        pre_tokenizer: sequence(split('\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))|\\P{N}+'), bytes),
      }),
  ],
  ['a normaliser that looks around', 'gpt2-style', file => Object.assign(file, { normalizer: { type: 'Lowercase' } })],
  [
    'unknown characters fused into one token',
    'sentencepiece-crossing',
    file => {
      file.model.byte_fallback = false
      for (const token of Object.keys(file.model.vocab)) if (/^<0x/.test(token)) delete file.model.vocab[token]
    },
  ],
]

describe('tokens of a text folded piece by piece are those of the whole text', () => {
  test.each(VARIANTS)('%s', async (_, family, change) => {
    const tokenizer = await openVariant(family, change)
    if (tokenizer === null) throw new Error('no tokenizer')
    const random = seeded(family.length)
    const addedTokens = [...tokenizer.specialTokens, '        ']
    for (let i = 0; i < trials; i++) {
      const text = awkwardText(random, { cases: [...cases, ...ENGLISH], addedTokens })
      const cuts = awkwardSplit(random, text.length)
      const { exact } = trySeam(tokenizer, text, cuts)
      expect(exact, JSON.stringify({ text, cuts })).toBe(true)
    }
  })

  test.each([
    ['gpt2-style', "we'l", 'l go'],
    ['qwen2-style', 'text <|im_start', '|>user'],
    ['qwen2-style', 'Gre', '\u0301goire'],
    ['qwen2-style', '\u1112\u1161', '\u11ab글'],
    ['llama3-style', 'a\n  ', '\nb'],
    ['llama3-style', '12', '34567'],
    ['gpt2-style', 'line\r', '\nnext'],
    ['gpt2-style', '👩\u200d\ud83d', '\udc67'],
    ['digits-style', 'a  ', '5'],
    ['sentencepiece-style', 'hello', ' world'],
    ['sentencepiece-style', '', 'hello'],
    ['sentencepiece-crossing', 'size of', ' the cluster'],
    ['metaspace-style', '[INS', 'T] hi'],
  ])('%s: %j + %j', async (family, first, second) => {
    expect(trySeam(await openFamily(family), first + second, [first.length]).exact).toBe(true)
  })
})

test('the trials can fail: tokenising each delta alone misses many of them', async () => {
  const tokenizer = await openFamily('qwen2-style')
  const concat: Tokenizer = { ...tokenizer, fold: (state, delta) => tokenizer.fold(state, delta, 'concat') }
  const random = seeded(3)
  let missed = 0
  for (let i = 0; i < 100; i++) {
    const text = awkwardText(random, { cases, addedTokens: tokenizer.specialTokens })
    if (!trySeam(concat, text, awkwardSplit(random, text.length)).exact) missed++
  }
  expect(missed).toBeGreaterThan(20)
})

describe('what is held back is short', () => {
  test.each(['gpt2-style', 'llama3-style', 'qwen2-style', 'digits-style', 'metaspace-style', 'sentencepiece-style'])(
    '%s: 95 % of tails on English are at most 16 tokens',
    async family => {
      expect(percentile(englishTails(await openFamily(family)), 0.95)).toBeLessThanOrEqual(16)
    },
  )

  test.each(['starter-transformer', 'starter-mamba'])('%s: at most 16 tokens always', async name => {
    const tokenizer = await openTokenizer(resolve('assets/models', name))
    if (tokenizer === null) throw new Error('no tokenizer')
    expect(percentile(englishTails(tokenizer), 1)).toBeLessThanOrEqual(16)
  })
})

function englishTails(tokenizer: Tokenizer): number[] {
  return ENGLISH.flatMap(text =>
    Array.from(text, (_, end) => tokenizer.flush(tokenizer.fold(tokenizer.startRun(), text.slice(0, end))).length),
  )
}

describe('the check against the whole text', () => {
  test('finds the miss of tokenising each delta alone, and where it begins', async () => {
    const tokenizer = await openFamily('gpt2-style')
    let state = tokenizer.startRun()
    const folded: number[] = []
    for (const delta of ['resea', 'rch']) {
      state = tokenizer.fold(state, delta, 'concat')
      folded.push(...((state as { tokens?: Int32Array } & typeof state).tokens ?? []))
    }
    const whole = tokenizer.encode('research')
    const check = tokenizer.checkSeam('research', folded, state)
    expect(check.exact).toBe(false)
    if (check.exact) return
    expect(check.expected).toEqual(whole)
    expect(folded.slice(0, check.commonPrefix)).toEqual([...whole.slice(0, check.commonPrefix)])
    expect(folded[check.commonPrefix]).not.toBe(whole[check.commonPrefix])
  })

  test('passes what was folded exactly', async () => {
    const tokenizer = await openFamily('gpt2-style')
    const first = tokenizer.fold(tokenizer.startRun(), 'resea')
    const second = tokenizer.fold(first, 'rch')
    expect(tokenizer.checkSeam('research', [...first.tokens, ...second.tokens], second)).toEqual({ exact: true })
  })
})

test('a text far longer than one piece has the tokens of the library, tokenising it at once', async () => {
  for (const family of ['qwen2-style', 'sentencepiece-style', 'sentencepiece-crossing']) {
    const tokenizer = await openFamily(family)
    const text = Array.from({ length: 900 }, (_, i) => `${cases[i % cases.length]} ${ENGLISH[i % 3]}`).join('\n')
    const ids = tokenizer.encode(text)
    expect(text.length).toBeGreaterThan(100_000)
    expect(await libraryIds(family, text)).toEqual([...ids])
  }
})

async function libraryIds(family: string, text: string): Promise<number[]> {
  const { Tokenizer: Library } = await import('@huggingface/tokenizers')
  const read = (name: string) => JSON.parse(readFileSync(resolve('test/golden/tokenizers', family, name), 'utf8'))
  return new Library(read('tokenizer.json'), read('tokenizer_config.json')).encode(text, { add_special_tokens: false })
    .ids
}
