import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openModel } from '#engine/models/sources/openModel.ts'
import { openTokenizer } from '../../../model/openTokenizer.ts'
import { openVariant, type TokenizerFile } from './variantTokenizer.ts'

/** `<s>` stands for token 900 of the family. */
const template = (file: TokenizerFile) => {
  file.post_processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<|endoftext|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { '<|endoftext|>': { id: '<|endoftext|>', ids: [idOf(file)], tokens: ['<|endoftext|>'] } },
  }
}
const idOf = (file: TokenizerFile) => Number(file.added_tokens.find(({ content }) => content === '<|endoftext|>')?.id)
const plain = () => {}
const end = { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' }

describe('what stands around a text', () => {
  test.each([
    ['nothing says so', plain, {}, 0, 0],
    ['add_bos_token alone', plain, { add_bos_token: true }, 1, 0],
    ['add_bos_token with a Llama class', plain, { add_bos_token: true, tokenizer_class: 'LlamaTokenizerFast' }, 1, 0],
    ['a Llama class alone', plain, { tokenizer_class: 'LlamaTokenizer' }, 1, 0],
    ['a Llama class that is told not to', template, { tokenizer_class: 'LlamaTokenizer', add_bos_token: false }, 0, 0],
    ['the post-processor', template, {}, 1, 0],
    ['the post-processor and add_bos_token: once', template, { add_bos_token: true }, 1, 0],
    ['the post-processor against add_bos_token', template, { add_bos_token: false }, 0, 0],
    ['add_eos_token', plain, { add_eos_token: true }, 0, 1],
    ['a BOS that the vocabulary does not have', plain, { add_bos_token: true, bos_token: '<nowhere>' }, 0, 0],
  ])('%s', async (_, change, config, before, after) => {
    const tokenizer = await openVariant('gpt2-style', change, { ...end, ...config })
    expect(tokenizer?.prefixIds).toHaveLength(before)
    expect(tokenizer?.encode('a', { bos: true })).toHaveLength(before + 1 + after)
  })

  test('another beginning is another tokenizer; the same one said twice is not', async () => {
    const [as, added, removed] = await Promise.all([
      openVariant('gpt2-style', template, end),
      openVariant('gpt2-style', template, { ...end, add_bos_token: true }),
      openVariant('gpt2-style', template, { ...end, add_bos_token: false }),
    ])
    expect(added?.digest).toBe(as?.digest)
    expect(removed?.digest).not.toBe(as?.digest)
  })
})

describe('tokens that only other files name', () => {
  test('added_tokens_decoder adds a token, and changes the flags of one', async () => {
    const decoder = { '950': { content: '<|new|>', special: true }, '5': { content: '"', special: true } }
    const tokenizer = await openVariant('gpt2-style', plain, { added_tokens_decoder: decoder })
    expect(tokenizer?.encode('<|new|>')).toEqual(Int32Array.of(950))
    expect(tokenizer?.specialTokens).toContain('<|new|>')
    expect(tokenizer?.digest).not.toBe((await openVariant('gpt2-style', plain))?.digest)
  })

  test('a special token that is an ordinary entry of the vocabulary is matched whole', async () => {
    const change = (file: TokenizerFile) => {
      file.model.vocab['<|endoftext|>'] = idOf(file)
      file.added_tokens = file.added_tokens.filter(({ content }) => content !== '<|endoftext|>')
    }
    const tokenizer = await openVariant('gpt2-style', change, end)
    const before = await openVariant('gpt2-style', plain, end)
    expect(tokenizer?.encode('a<|endoftext|>')).toEqual(before?.encode('a<|endoftext|>'))
    expect(tokenizer?.eosId).toBe(before?.eosId)
  })

  test('a model without a type is what its fields make it', async () => {
    const [named, unnamed] = await Promise.all([
      openVariant('llama3-style', plain),
      openVariant('llama3-style', file => delete file.model.type),
    ])
    expect(unnamed?.encode('It’s the goats’ 12345 house')).toEqual(named?.encode('It’s the goats’ 12345 house'))
  })
})

describe('in a model folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'statepack-ids-'))
    await cp(resolve('assets/models/starter-transformer'), folder, { recursive: true })
  })
  afterEach(() => rm(folder, { recursive: true }))
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value))

  test('the ends of config, generation_config and tokenizer are united; one beyond the vocabulary is left out, with a note', async () => {
    await write('generation_config.json', { eos_token_id: [7, 2048, 9] })
    const model = await openModel(folder)
    expect(new Set(model.eosTokenIds)).toEqual(new Set([0, 7, 9]))
    expect(model.notes).toEqual([expect.stringContaining('2048')])
  })

  test('special_tokens_map.json names what tokenizer_config.json leaves out', async () => {
    await write('tokenizer_config.json', { add_bos_token: true })
    await write('special_tokens_map.json', { bos_token: { content: '<|endoftext|>' }, eos_token: '<|endoftext|>' })
    const tokenizer = await openTokenizer(folder)
    expect(tokenizer?.prefixIds).toEqual([0])
    expect(tokenizer?.eosId).toBe(0)
  })

  test('of a list of chat templates the default one is used; without one none is, and that is said', async () => {
    const named = (name: string) => ({ name, template: `${name} {{ messages[0].content }}` })
    await write('tokenizer_config.json', { chat_template: [named('tool_use'), named('default')] })
    expect((await openTokenizer(folder))?.chatTemplate).toMatch(/^default/)
    await write('tokenizer_config.json', { chat_template: [named('tool_use'), named('rag')] })
    const tokenizer = await openTokenizer(folder)
    expect(tokenizer?.chatTemplate).toBeNull()
    expect(tokenizer?.notes).toEqual([expect.stringMatching(/tool_use, rag/)])
    await write('tokenizer_config.json', {})
    await write('chat_template.json', { chat_template: 'from a file of its own' })
    expect((await openTokenizer(folder))?.chatTemplate).toBe('from a file of its own')
  })
})
