import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTokenizer } from '../../../model/openTokenizer.ts'
import { openFamily, openVariant, type TokenizerFile } from './variantTokenizer.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-tokenizer-'))
})
afterEach(() => rm(folder, { recursive: true }))

const refused = expect.objectContaining({ code: 'E_TOKENIZER' })

describe('absent, corrupt and unknown are three results', () => {
  test('a folder without a tokenizer has none', async () => {
    expect(await openTokenizer(folder)).toBeNull()
  })

  test('one in another form only is refused by name', async () => {
    await writeFile(join(folder, 'tokenizer.model'), 'x')
    await expect(openTokenizer(folder)).rejects.toThrow(/tokenizer\.model/)
  })

  test.each([
    ['no JSON', '{"model"'],
    ['no model', '{}'],
    ['an empty file', ''],
    ['a list', '[]'],
    ['no text', Buffer.from([0xff, 0xfe, 0x00])],
  ])('tokenizer.json with %s is refused', async (_, content) => {
    await writeFile(join(folder, 'tokenizer.json'), content)
    await expect(openTokenizer(folder)).rejects.toThrow(refused)
  })

  test('any cut of a real tokenizer.json is refused', async () => {
    const bytes = await readFile(resolve('test/golden/tokenizers/gpt2-style/tokenizer.json'))
    for (let share = 0.05; share < 1; share += 0.1) {
      await writeFile(join(folder, 'tokenizer.json'), bytes.subarray(0, Math.floor(bytes.length * share)))
      await expect(openTokenizer(folder)).rejects.toThrow(refused)
    }
  })

  const damages: [string, string, (file: TokenizerFile) => void][] = [
    ['an unknown normaliser', 'Unknown Normalizer', file => Object.assign(file, { normalizer: { type: 'Rot13' } })],
    [
      'an unknown pre-tokeniser',
      'Unknown PreTokenizer',
      file => Object.assign(file, { pre_tokenizer: { type: 'Rot13' } }),
    ],
    ['an unknown decoder', 'Unknown Decoder', file => Object.assign(file, { decoder: { type: 'Rot13' } })],
    ['an unknown model', 'model', file => Object.assign(file.model, { type: 'Rot13', vocab: undefined })],
    ['merges of unknown tokens', 'merges', file => Object.assign(file.model, { merges: ['nothere either'] })],
    ['an id that is no number', 'vocab', file => Object.assign(file.model.vocab, { broken: 'x' })],
    ['an id given twice', 'vocab', file => Object.assign(file.model.vocab, { broken: 5 })],
    ['an empty vocabulary', 'vocab', file => Object.assign(file.model, { vocab: {} })],
    ['an added token without text', 'added_tokens', file => file.added_tokens.push({ id: 5000 })],
    [
      'an added token that must stand alone',
      'whole words',
      file => file.added_tokens.push({ id: 900, content: 'a', single_word: true }),
    ],
    [
      'a prefix inside words, which the library leaves out',
      'continuing_subword_prefix',
      file => Object.assign(file.model, { continuing_subword_prefix: '##' }),
    ],
    ['tokens by chance', 'dropout', file => Object.assign(file.model, { dropout: 0.1 })],
    [
      'a post-processor without ids',
      'special token',
      file =>
        Object.assign(file, {
          post_processor: {
            type: 'TemplateProcessing',
            single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
            special_tokens: {},
          },
        }),
    ],
    ['an unknown post-processor', 'Rot13', file => Object.assign(file, { post_processor: { type: 'Rot13' } })],
    [
      'a behavior of a cut that is not known',
      'behavior',
      file => Object.assign(file, { pre_tokenizer: { type: 'Split', pattern: { String: 'a' }, behavior: 'Sideways' } }),
    ],
  ]
  test.each(damages)('%s is refused', async (_, words, change) => {
    const opening = openVariant('gpt2-style', change)
    await expect(opening).rejects.toThrow(refused)
    await expect(opening).rejects.toThrow(words)
  })

  test('a tokenizer_config.json of the wrong shape is refused', async () => {
    await expect(openVariant('gpt2-style', () => {}, { bos_token: 7 })).rejects.toThrow(/tokenizer_config\.json/)
  })
})

describe('the digest', () => {
  test('is the same wherever the files lie, and another for another byte, special token or template', async () => {
    const { digest } = await openFamily('qwen2-style')
    await cp(resolve('test/golden/tokenizers/qwen2-style'), folder, { recursive: true })
    expect((await openTokenizer(folder))?.digest).toBe(digest)

    await writeFile(join(folder, 'chat_template.jinja'), 'other')
    const template = await openTokenizer(folder)
    expect(template?.chatTemplate).toBe('other')
    const others = [
      template?.digest,
      (await openVariant('qwen2-style', () => {}))?.digest,
      (await openVariant('qwen2-style', file => Object.assign(file.model.vocab, { extra: 950 })))?.digest,
    ]
    const bos = await openVariant('qwen2-style', () => {}, { bos_token: '<|endoftext|>' })
    const objectBos = await openVariant('qwen2-style', () => {}, { bos_token: { content: '<|endoftext|>' } })
    expect(objectBos?.digest).toBe(bos?.digest)
    expect(new Set([digest, ...others, bos?.digest]).size).toBe(5)
  })
})

test('special tokens and what is put before a text', async () => {
  const tokenizer = await openFamily('llama3-style')
  expect(tokenizer.prefixIds).toEqual([900])
  expect(tokenizer.eosId).toBe(904)
  expect(tokenizer.specialIds).toEqual([900, 901, 902, 903, 904])
  expect(tokenizer.vocabSize).toBe(905)
  expect((await openFamily('gpt2-style')).prefixIds).toEqual([])
})

test('a byte order mark is no white space: the ids are those of the reference (tokenizers 0.23.3)', async () => {
  const text = '  \ufeff\ufeffx'
  const expected = [221, 221, 172, 120, 124, 172, 120, 124, 88]
  expect([...(await openFamily('gpt2-style')).encode(text)]).toEqual(expected)
})
