/** Writes a Llama checkpoint as GGUF (version 3), so that llama.cpp runs the very weights that the Studio runs. */
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GgufWritten, ggufHeader, ggufPadded } from '../model/ggufWriter.ts'
import { readSafetensorsFile } from '../model/safetensorsFile.ts'

interface Tensor {
  readonly name: string
  /** Innermost dimension first, as GGUF has it. */
  readonly dims: readonly number[]
  /** `ggml_type`. */
  readonly type: number
  readonly data: Uint8Array
}

/** How matrices are written; vectors stay float32. */
export type GgufForm = keyof typeof FORMS
const FORMS = { F16: { type: 1, encode: toF16 }, Q8_0: { type: 8, encode: toQ8 } } as const

/** The fields of config.json that are used. */
export interface LlamaConfig {
  readonly vocab_size: number
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly intermediate_size: number
  readonly rope_theta: number
  readonly rms_norm_eps: number
  readonly max_position_embeddings: number
}

/** Converts config.json and model.safetensors (float32, tied embeddings) of `folder`. The vocabulary is only numbered: ids go in. */
export async function writeGguf(file: string, folder: string, form: GgufForm): Promise<void> {
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as LlamaConfig
  const heads = config.num_attention_heads
  const kvHeads = config.num_key_value_heads
  const list: Tensor[] = []
  for (const { name, shape, bytes } of await readSafetensorsFile(join(folder, 'model.safetensors'))) {
    const part = /^model\.layers\.\d+\.self_attn\.([qk])_proj\.weight$/.exec(name)?.[1]
    const values = part === undefined ? bytes : interleaveRotary(bytes, shape, part === 'q' ? heads : kvHeads)
    const { type, encode } = shape.length === 1 ? { type: 0, encode: (same: Uint8Array) => same } : FORMS[form]
    list.push({ name: ggufName(name), dims: [...shape].reverse(), type, data: encode(values) })
  }
  const uint32 = (value: number): GgufWritten => ({ type: 'uint32', value })
  const vocabulary = Array.from({ length: config.vocab_size }, (_, id) => `t${id}`)
  const metadata: Record<string, GgufWritten> = {
    'general.architecture': { type: 'string', value: 'llama' },
    'llama.vocab_size': uint32(config.vocab_size),
    'llama.context_length': uint32(config.max_position_embeddings),
    'llama.embedding_length': uint32(config.hidden_size),
    'llama.block_count': uint32(config.num_hidden_layers),
    'llama.feed_forward_length': uint32(config.intermediate_size),
    'llama.attention.head_count': uint32(heads),
    'llama.attention.head_count_kv': uint32(kvHeads),
    'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: config.rms_norm_eps },
    'llama.rope.dimension_count': uint32(config.hidden_size / heads),
    'llama.rope.freq_base': { type: 'float32', value: config.rope_theta },
    'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'string', value: 'gpt-2' },
    'tokenizer.ggml.tokens': { type: 'array', of: 'string', values: vocabulary },
    'tokenizer.ggml.token_type': { type: 'array', of: 'int32', values: vocabulary.map(() => 1) },
    'tokenizer.ggml.merges': { type: 'array', of: 'string', values: ['t 0'] },
    'tokenizer.ggml.bos_token_id': uint32(0),
    'tokenizer.ggml.eos_token_id': uint32(0),
  }
  await writeFileOf(file, metadata, list)
}

function ggufName(name: string): string {
  const whole: Readonly<Record<string, string>> = {
    'model.embed_tokens.weight': 'token_embd.weight',
    'model.norm.weight': 'output_norm.weight',
    'lm_head.weight': 'output.weight',
  }
  const parts: Readonly<Record<string, string>> = {
    input_layernorm: 'attn_norm',
    'self_attn.q_proj': 'attn_q',
    'self_attn.k_proj': 'attn_k',
    'self_attn.v_proj': 'attn_v',
    'self_attn.o_proj': 'attn_output',
    post_attention_layernorm: 'ffn_norm',
    'mlp.gate_proj': 'ffn_gate',
    'mlp.up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
  }
  const [, layer, part = ''] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? []
  const found = whole[name] ?? (parts[part] === undefined ? undefined : `blk.${layer}.${parts[part]}.weight`)
  if (found === undefined) throw new Error(`GGUF has no name for ${name}.`)
  return found
}

/** llama.cpp rotates neighbouring pairs, the hub's layout rotates halves: within each head row i of 2 halves becomes row 2i. */
function interleaveRotary(data: Uint8Array, [rows = 0, columns = 0]: readonly number[], heads: number): Uint8Array {
  const [bytes, half] = [columns * 4, rows / heads / 2]
  const out = new Uint8Array(data.byteLength)
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < 2 * half; i++) {
      const from = (head * 2 * half + (i % 2) * half + (i >> 1)) * bytes
      out.set(data.subarray(from, from + bytes), (head * 2 * half + i) * bytes)
    }
  }
  return out
}

async function writeFileOf(
  path: string,
  metadata: Readonly<Record<string, GgufWritten>>,
  tensors: readonly Tensor[],
): Promise<void> {
  const header = ggufHeader(
    Object.entries(metadata),
    tensors.map(({ name, dims, type, data }) => ({ name, dims, type, bytes: data.byteLength })),
  )
  await using file = await open(path, 'w')
  await file.write(header)
  for (const { data } of tensors) {
    await file.write(data)
    await file.write(Buffer.alloc(ggufPadded(data.byteLength) - data.byteLength))
  }
}

function floats({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

function toF16(data: Uint8Array): Uint8Array {
  return new Uint8Array(new Float16Array(floats(data)).buffer)
}

/** Blocks of 32 numbers: a float16 scale, max|w| / 127, and 32 signed codes. */
function toQ8(data: Uint8Array): Uint8Array {
  const values = floats(data)
  const out = new DataView(new ArrayBuffer((values.length / 32) * 34))
  for (let block = 0; block < values.length / 32; block++) {
    const part = values.subarray(block * 32, block * 32 + 32)
    const scale = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127
    out.setFloat16(block * 34, scale, true)
    for (const [i, value] of part.entries())
      out.setInt8(block * 34 + 2 + i, scale === 0 ? 0 : Math.round(value / scale))
  }
  return new Uint8Array(out.buffer)
}
