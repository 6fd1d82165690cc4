import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { GgufMetadata, GgufValue } from '#engine/models/sources/gguf/ggufMetadata.ts'
import { PRE_TOKENIZATION_NAMES } from '#engine/models/sources/gguf/ggufPreTokenizers.ts'
import { ggufTokenizer } from '#engine/models/sources/gguf/ggufTokenizer.ts'
import { createTokenizer } from '#engine/models/tokenizer/tokenizer.ts'
import { tokenizerFiles } from '#engine/models/tokenizer/tokenizerFiles.ts'

const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean() })),
  model: z.looseObject({
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
})
const casesSchema = z.looseObject({
  cases: z.array(
    z.looseObject({ text: z.string(), ids: z.array(z.int()), ids_with_special: z.array(z.int()), decoded: z.string() }),
  ),
})

const FAMILIES = [
  { folder: 'gpt2-style', kind: 'gpt2', pre: 'gpt-2', more: {} },
  { folder: 'llama3-style', kind: 'gpt2', pre: 'llama-bpe', more: { bos: '<|begin_of_text|>' } },
  { folder: 'qwen2-style', kind: 'gpt2', pre: 'qwen2', more: {} },
  { folder: 'digits-style', kind: 'gpt2', pre: 'smollm', more: {} },
  { folder: 'sentencepiece-style', kind: 'llama', pre: 'default', more: { bos: '<s>', unknown: '<unk>' } },
  { folder: 'sentencepiece-crossing', kind: 'llama', pre: 'default', more: { bos: '<s>', unknown: '<unk>' } },
] as const

/** A tokenizer.json as llama.cpp's converter writes it: SentencePiece scores are minus the rank of the merge. */
function metadataOf({ folder, kind, pre, more }: (typeof FAMILIES)[number]): GgufMetadata {
  const path = join('test/golden/tokenizers', folder, 'tokenizer.json')
  const { model, added_tokens: added } = tokenizerSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  const ids = new Map([...Object.entries(model.vocab), ...added.map(({ content, id }) => [content, id] as const)])
  const tokens = [...ids].sort(([, a], [, b]) => a - b).map(([token]) => token)
  const special = new Map(added.map(token => [token.id, token.special ? 3 : 4]))
  const isByte = (token: string) => kind === 'llama' && /^<0x[0-9A-F]{2}>$/.test(token)
  const kinds = tokens.map((token, id) => special.get(id) ?? (isByte(token) ? 6 : 1))
  const merges = model.merges.map(merge => (typeof merge === 'string' ? merge : merge.join(' ')))
  const rank = new Map(merges.map((merge, at) => [merge.replace(' ', ''), -at] as const).reverse())
  const metadata: Record<string, GgufValue> = {
    'tokenizer.ggml.model': kind,
    'tokenizer.ggml.pre': pre,
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': Float64Array.from(kinds),
    ...(kind === 'gpt2'
      ? { 'tokenizer.ggml.merges': merges }
      : { 'tokenizer.ggml.scores': Float64Array.from(tokens, token => rank.get(token) ?? -1e6) }),
  }
  for (const [name, token] of Object.entries(more)) metadata[`tokenizer.ggml.${name}_token_id`] = ids.get(token) ?? -1
  return new Map(Object.entries(metadata))
}

describe.each(FAMILIES)('the tokenizer of a GGUF file: $folder', family => {
  it('gives the ids and texts of the tokenizer.json it came from', () => {
    const read = ggufTokenizer(metadataOf(family))
    if (read === null) throw new Error('There is no tokenizer.')
    const tokenizer = createTokenizer(read.files)
    const golden = readFileSync(join('test/golden/tokenizers', family.folder, 'golden.json'), 'utf8')
    for (const { text, ids, ids_with_special: withSpecial, decoded } of casesSchema.parse(JSON.parse(golden)).cases) {
      expect([...tokenizer.encode(text)], text).toEqual(ids)
      expect([...tokenizer.encode(text, { bos: true })], text).toEqual(withSpecial)
      expect(tokenizer.decode(ids)).toBe(decoded)
    }
  })
})

describe.each(PRE_TOKENIZATION_NAMES)('the way of cutting that files call %s', name => {
  it('gives every text back, whole or folded piece by piece', () => {
    const metadata = new Map(metadataOf(FAMILIES[0])).set('tokenizer.ggml.pre', name)
    const read = ggufTokenizer(metadata)
    if (read === null) throw new Error('There is no tokenizer.')
    const tokenizer = createTokenizer(read.files)
    const text = "Don't STOP: naïve Größe, 東京 1234567 (x1)\r\n\n  two  spaces\tand a tab ... "
    const ids = tokenizer.encode(text)
    expect(tokenizer.decode(ids)).toBe(text)
    const first = tokenizer.fold(tokenizer.startRun(), text.slice(0, 23))
    const second = tokenizer.fold(first, text.slice(23))
    expect([...first.tokens, ...second.tokens, ...tokenizer.flush(second)]).toEqual([...ids])
  })
})

/** llama.cpp's ids, with the vocabulary of digits-style, of one text that the ways of cutting differ in. */
describe('a text is cut as llama.cpp cuts it', () => {
  const text = "It's 3.14 の東京 x12345!!$5 (ab) --no\n\n—“Größe” 東京タワー"
  const start = '43 86'
  const until = '223 21 16 19 22 223 478 109 864 846 121 108 815 19 20 21 22 23 3 3 6 23 223 10 363 11 223 15 15 306'
  const words = '435 245 435 253 810 858 876 894'
  const [apart, joined] = ['223 864 846 121 108', '874 846 121 108']
  const end = '162 227 126 162 228 110 162 228 123'
  it.each([
    ['hunyuan-dense', [start, '297', until, '659', words, apart, end]],
    ['deepseek-v3', [start, '297', until, '659', words, apart, end]],
    ['deepseek-coder', [start, '9 85', until, '201 201', words, apart, end]],
    ['seed-coder', [start, '297', until, '659', words, joined, end]],
    ['minicpm5', [start, '297', until, '659', words, joined, end]],
  ])('%s', (name, ids) => {
    const read = ggufTokenizer(new Map(metadataOf(FAMILIES[3])).set('tokenizer.ggml.pre', name))
    if (read === null) throw new Error('There is no tokenizer.')
    expect([...createTokenizer(read.files).encode(text)].join(' ')).toBe(ids.join(' '))
  })
})

describe('a GGUF tokenizer that cannot be used', () => {
  const right = metadataOf(FAMILIES[0])
  const refused = (key: string, value: GgufValue | undefined) => {
    const changed = new Map(right)
    if (value === undefined) changed.delete(key)
    else changed.set(key, value)
    return () => {
      const read = ggufTokenizer(changed)
      if (read !== null) tokenizerFiles({ kind: 'parsed', files: read.files })
    }
  }

  it.each([
    ['tokenizer.ggml.model', 'rwkv'],
    ['tokenizer.ggml.pre', 'a-way-of-next-year'],
    ['tokenizer.ggml.pre', undefined],
    ['tokenizer.ggml.merges', undefined],
    ['tokenizer.ggml.merges', ['zz qq']],
    ['tokenizer.ggml.token_type', Float64Array.of(1)],
    ['tokenizer.ggml.eos_token_id', 1e6],
  ] as const)('is refused: %s is %s', (key, value) => {
    expect(refused(key, value)).toThrow(expect.objectContaining({ code: 'E_TOKENIZER' }))
  })

  it('names what it does not know', () => {
    expect(refused('tokenizer.ggml.pre', 'a-way-of-next-year')).toThrow('"a-way-of-next-year"')
  })
})
