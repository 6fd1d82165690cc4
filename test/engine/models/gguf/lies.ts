/** GGUF files that lie, and the code each must be refused with. */
import { type GgufWritten, ggufScalar, ggufText, long } from '../../../model/ggufWriter.ts'
import { TINY_PAIRS, TINY_TENSORS, tinyGguf } from './tinyGguf.ts'

export interface Lie {
  readonly name: string
  readonly bytes: Buffer
  /** The file is made this long, without taking room on the disk. */
  readonly length?: number
  readonly code: 'E_MODEL_WEIGHTS' | 'E_MODEL_CONFIG' | 'E_NOT_SUPPORTED' | 'E_TOKENIZER'
}

const WEIGHTS = 'E_MODEL_WEIGHTS'
const CONFIG = 'E_MODEL_CONFIG'
const uint32 = (value: number): GgufWritten => ({ type: 'uint32', value })
/** Room for a lie that only counts. */
const HUGE = 64 * 2 ** 30

const withPair = (key: string, value: GgufWritten) => [
  ...TINY_PAIRS.filter(([name]) => name !== key),
  [key, value] as const,
]
/** Its positions are rotated by a factor, over as many numbers as this key says. */
const withBillionRotated = (key: string): typeof TINY_PAIRS => [
  ...withPair(key, uint32(2 ** 30)),
  ['llama.rope.scaling.attn_factor', { type: 'float32', value: 2 }],
]
const raw = (...parts: Buffer[]): GgufWritten => ({ type: 'raw', bytes: Buffer.concat(parts) })
const array = (of: number, count: bigint, ...items: Buffer[]) =>
  raw(ggufScalar('uint32', 9), ggufScalar('uint32', of), long(count), ...items)
const withTensor = (index: number, change: Partial<(typeof TINY_TENSORS)[number]>) =>
  TINY_TENSORS.map((tensor, at) => (at === index ? { ...tensor, ...change } : tensor))
/** SentencePiece's kind of tokenizer, with tokens that all score the same. */
const scored = (tokens: readonly string[]): typeof TINY_PAIRS => [
  ...TINY_PAIRS.filter(([key]) => !key.startsWith('tokenizer.')),
  ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
  ['tokenizer.ggml.tokens', { type: 'array', of: 'string', values: tokens }],
  ['tokenizer.ggml.scores', { type: 'array', of: 'float32', values: tokens.map(() => 0) }],
]
/** Keys of a Mamba-2 model, some of them other ones. */
const mamba2 = (changed: Record<string, number>): typeof TINY_PAIRS => {
  const sizes = { inner_size: 64, state_size: 16, conv_kernel: 4, time_step_rank: 2, group_count: 1, ...changed }
  return [
    ['general.architecture', { type: 'string', value: 'mamba2' }],
    ['mamba2.block_count', uint32(1)],
    ['mamba2.context_length', uint32(64)],
    ['mamba2.embedding_length', uint32(32)],
    ['mamba2.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ...Object.entries(sizes).map(([name, value]) => [`mamba2.ssm.${name}`, uint32(value)] as const),
  ]
}
/** Keys of a hybrid with one layer, and layers behind it that predict further tokens. */
const predicting = (layers: number): typeof TINY_PAIRS => {
  const sizes = { inner_size: 64, state_size: 16, conv_kernel: 4, time_step_rank: 2, group_count: 1 }
  return [
    ...TINY_PAIRS.map(([key, value]) => [key.replace(/^llama/, 'qwen35'), value] as const).slice(1),
    ['general.architecture', { type: 'string', value: 'qwen35' }],
    ...Object.entries(sizes).map(([name, value]) => [`qwen35.ssm.${name}`, uint32(value)] as const),
    ['qwen35.nextn_predict_layers', { type: 'int32', value: layers }],
  ]
}
const half = tinyGguf()

export const LIES: readonly Lie[] = [
  { name: 'more tensors than fit', bytes: tinyGguf({ tensorCount: 2n ** 60n }), code: WEIGHTS },
  { name: 'more keys than fit', bytes: tinyGguf({ pairCount: 2n ** 63n }), code: WEIGHTS },
  { name: 'more tensors than any model', bytes: tinyGguf({ tensorCount: 2n ** 24n }), length: HUGE, code: WEIGHTS },
  {
    name: 'an offset beyond the file',
    bytes: tinyGguf({ tensors: withTensor(3, { offset: 2 ** 40 }) }),
    code: WEIGHTS,
  },
  {
    name: 'an offset inside its neighbour',
    bytes: tinyGguf({ tensors: withTensor(3, { offset: 32 }) }),
    code: WEIGHTS,
  },
  { name: 'an offset off the alignment', bytes: tinyGguf({ tensors: withTensor(1, { offset: 4097 }) }), code: WEIGHTS },
  { name: 'two tensors in one place', bytes: tinyGguf({ tensors: withTensor(1, { offset: 0 }) }), code: WEIGHTS },
  {
    name: 'a tensor type that is not known',
    bytes: tinyGguf({ tensors: withTensor(3, { type: 777 }) }),
    code: WEIGHTS,
  },
  {
    name: 'a tensor type that is not read',
    bytes: tinyGguf({ tensors: withTensor(3, { type: 16 }) }),
    code: 'E_NOT_SUPPORTED',
  },
  {
    name: 'rows that are no whole blocks',
    bytes: tinyGguf({ tensors: withTensor(0, { type: 12 }) }),
    code: WEIGHTS,
  },
  {
    name: 'dimensions that overflow',
    bytes: tinyGguf({ tensors: withTensor(0, { dims: [2 ** 52, 2 ** 52] }) }),
    code: WEIGHTS,
  },
  { name: 'a dimension of nothing', bytes: tinyGguf({ tensors: withTensor(0, { dims: [32, 0] }) }), code: WEIGHTS },
  { name: 'nine dimensions', bytes: tinyGguf({ tensors: withTensor(0, { dims: Array(9).fill(1) }) }), code: WEIGHTS },
  { name: 'a key longer than the file', bytes: Buffer.concat([half.subarray(0, 24), long(2n ** 62n)]), code: WEIGHTS },
  {
    name: 'a text longer than any',
    bytes: tinyGguf({ pairs: withPair('tokenizer.chat_template', raw(ggufScalar('uint32', 8), long(2n ** 33n))) }),
    length: HUGE,
    code: WEIGHTS,
  },
  {
    name: 'a value type that is not known',
    bytes: tinyGguf({ pairs: withPair('llama.x', raw(ggufScalar('uint32', 99))) }),
    code: WEIGHTS,
  },
  {
    name: 'arrays in arrays',
    bytes: tinyGguf({ pairs: withPair('llama.x', array(9, 2n ** 20n, ggufScalar('uint32', 9), long(2n ** 20n))) }),
    code: WEIGHTS,
  },
  {
    name: 'a huge vocabulary',
    bytes: tinyGguf({ pairs: withPair('tokenizer.ggml.tokens', array(8, 2n ** 40n, ggufText('a'))) }),
    code: WEIGHTS,
  },
  {
    name: 'a huge vocabulary that there is room for',
    bytes: tinyGguf({ pairs: withPair('tokenizer.ggml.tokens', array(8, 2n ** 32n)) }),
    length: HUGE,
    code: WEIGHTS,
  },
  {
    name: 'as many scores as there is room for',
    bytes: tinyGguf({ pairs: withPair('tokenizer.ggml.scores', array(6, 2n ** 31n)) }),
    length: HUGE,
    code: WEIGHTS,
  },
  {
    name: 'an empty vocabulary of a million',
    bytes: Buffer.concat([tinyGguf({ pairs: [['tokenizer.ggml.tokens', array(8, 2n ** 20n)]], tensors: [] })]),
    length: HUGE,
    code: WEIGHTS,
  },
  { name: 'cut off in the tensors', bytes: half.subarray(0, half.length - 64), code: WEIGHTS },
  { name: 'cut off in the header', bytes: half.subarray(0, 200), code: WEIGHTS },
  { name: 'bytes after the end', bytes: Buffer.concat([half, Buffer.alloc(4096)]), code: WEIGHTS },
  {
    name: 'an alignment of zero',
    bytes: tinyGguf({ pairs: withPair('general.alignment', { type: 'uint32', value: 0 }) }),
    code: WEIGHTS,
  },
  {
    name: 'an alignment that is no power of two',
    bytes: tinyGguf({ pairs: withPair('general.alignment', { type: 'uint32', value: 48 }) }),
    code: WEIGHTS,
  },
  {
    name: 'an alignment of a gigabyte',
    bytes: tinyGguf({ pairs: withPair('general.alignment', { type: 'uint32', value: 2 ** 30 }) }),
    code: WEIGHTS,
  },
  { name: 'a key twice', bytes: tinyGguf({ pairs: [...TINY_PAIRS, ...TINY_PAIRS.slice(2, 3)] }), code: WEIGHTS },
  {
    name: 'a tensor twice',
    bytes: tinyGguf({ tensors: [...TINY_TENSORS, ...TINY_TENSORS.slice(3, 4)] }),
    code: WEIGHTS,
  },
  {
    name: 'a token twice',
    bytes: tinyGguf({
      pairs: [
        ...withPair('tokenizer.ggml.tokens', { type: 'array', of: 'string', values: ['a', 'a'] }).filter(
          ([key]) => key !== 'tokenizer.ggml.token_type',
        ),
      ],
    }),
    code: 'E_TOKENIZER',
  },
  {
    name: 'tokens that can be cut in ten billion ways',
    bytes: tinyGguf({ pairs: scored(Array.from({ length: 160 }, (_, id) => String(id).padEnd(60_000, 'a'))) }),
    code: 'E_TOKENIZER',
  },
  {
    name: 'four billion layers',
    bytes: tinyGguf({ pairs: withPair('llama.block_count', uint32(2 ** 32 - 1)) }),
    code: CONFIG,
  },
  {
    name: 'a hundred thousand layers',
    bytes: tinyGguf({ pairs: withPair('llama.block_count', uint32(100_000)) }),
    code: CONFIG,
  },
  {
    name: 'no layers, and none with heads',
    bytes: tinyGguf({
      pairs: withPair('llama.block_count', uint32(0)).map(([key, value]) =>
        key === 'llama.attention.head_count_kv' ? [key, { type: 'array', of: 'uint32', values: [1] }] : [key, value],
      ),
    }),
    code: CONFIG,
  },
  {
    name: 'minus two billion layers that predict further tokens',
    bytes: tinyGguf({ pairs: predicting(-(2 ** 31)) }),
    code: CONFIG,
  },
  {
    name: 'one layer less than none that predict further tokens',
    bytes: tinyGguf({ pairs: predicting(-1) }),
    code: CONFIG,
  },
  {
    name: 'as many layers that predict further tokens as it has',
    bytes: tinyGguf({ pairs: predicting(1) }),
    code: CONFIG,
  },
  {
    name: 'channels divided by no heads',
    bytes: tinyGguf({ pairs: mamba2({ time_step_rank: 0 }) }),
    code: CONFIG,
  },
  {
    name: 'a head of a billion numbers, all of them rotated',
    bytes: tinyGguf({ pairs: withBillionRotated('llama.attention.key_length') }),
    code: CONFIG,
  },
  {
    name: 'a billion rotated numbers',
    bytes: tinyGguf({ pairs: withBillionRotated('llama.rope.dimension_count') }),
    code: CONFIG,
  },
  { name: 'a version of the future', bytes: tinyGguf({ version: 9 }), code: 'E_NOT_SUPPORTED' },
  { name: 'the other order of bytes', bytes: tinyGguf({ version: 3 * 2 ** 24 }), code: 'E_NOT_SUPPORTED' },
]
