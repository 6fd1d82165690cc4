/** A tiny Llama as GGUF, whole and able to run, whose parts a test can change. */
import { randomBytes } from 'node:crypto'
import { type GgufWritten, type GgufWrittenTensor, ggufHeader, ggufPadded } from '../../../model/ggufWriter.ts'

const uint32 = (value: number): GgufWritten => ({ type: 'uint32', value })
const float32 = (value: number): GgufWritten => ({ type: 'float32', value })
const text = (value: string): GgufWritten => ({ type: 'string', value })

const TOKENS = [
  '<unk>',
  '<s>',
  '</s>',
  ...Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i)),
  'Ġ',
  'th',
  'the',
]

export const TINY_PAIRS: readonly (readonly [string, GgufWritten])[] = [
  ['general.architecture', text('llama')],
  ['llama.block_count', uint32(1)],
  ['llama.context_length', uint32(64)],
  ['llama.embedding_length', uint32(32)],
  ['llama.feed_forward_length', uint32(32)],
  ['llama.attention.head_count', uint32(2)],
  ['llama.attention.head_count_kv', uint32(1)],
  ['llama.attention.layer_norm_rms_epsilon', float32(1e-5)],
  ['llama.rope.freq_base', float32(10000)],
  ['tokenizer.ggml.model', text('gpt2')],
  ['tokenizer.ggml.pre', text('gpt-2')],
  ['tokenizer.ggml.tokens', { type: 'array', of: 'string', values: TOKENS }],
  ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', values: TOKENS.map((_, id) => (id < 3 ? 3 : 1)) }],
  ['tokenizer.ggml.merges', { type: 'array', of: 'string', values: ['t h', 'th e'] }],
  ['tokenizer.ggml.eos_token_id', uint32(2)],
]

const matrix = (name: string, inputs: number, outputs: number): GgufWrittenTensor => ({
  ...{ name, dims: [inputs, outputs], bytes: 4 * inputs * outputs },
})
const vector = (name: string, size: number): GgufWrittenTensor => ({ name, dims: [size], bytes: 4 * size })

export const TINY_TENSORS: readonly GgufWrittenTensor[] = [
  matrix('token_embd.weight', 32, TOKENS.length),
  vector('output_norm.weight', 32),
  vector('blk.0.attn_norm.weight', 32),
  matrix('blk.0.attn_q.weight', 32, 32),
  matrix('blk.0.attn_k.weight', 32, 16),
  matrix('blk.0.attn_v.weight', 32, 16),
  matrix('blk.0.attn_output.weight', 32, 32),
  vector('blk.0.ffn_norm.weight', 32),
  matrix('blk.0.ffn_gate.weight', 32, 32),
  matrix('blk.0.ffn_up.weight', 32, 32),
  matrix('blk.0.ffn_down.weight', 32, 32),
]

/** The whole file. `pairs` and `tensors` take the place of the right ones; `header` is passed on. */
export function tinyGguf({
  pairs = TINY_PAIRS,
  tensors = TINY_TENSORS,
  ...header
}: {
  pairs?: typeof TINY_PAIRS
  tensors?: readonly GgufWrittenTensor[]
} & Parameters<typeof ggufHeader>[2] = {}): Buffer {
  const size = tensors.reduce((sum, { bytes }) => sum + ggufPadded(bytes, header.alignment), 0)
  // Small numbers: the upper bytes of a float32 of about 0.01.
  const data = randomBytes(size)
  for (let at = 0; at + 4 <= size; at += 4) data.writeFloatLE(((data[at] ?? 0) - 128) / 8192, at)
  return Buffer.concat([ggufHeader(pairs, tensors, header), data])
}
