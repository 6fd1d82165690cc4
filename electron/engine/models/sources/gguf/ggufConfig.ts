/** GGUF metadata as the config.json that the same model has on the hub: what an architecture of the compiler reads. */
import type { GgufFields } from './ggufFields.ts'

/** Small vectors of the file that belong to the configuration: divisors of the rotary frequencies. */
export type RopeFactors = Readonly<Partial<Record<'all' | 'long' | 'short', readonly number[]>>>
type Config = Record<string, unknown>
type Reader = (fields: GgufFields, factors: RopeFactors) => Config

/** By `general.architecture`. */
const READERS: Readonly<Record<string, Reader>> = {
  llama: (fields, factors) => ({
    model_type: 'llama',
    ...attention(fields),
    ...rope(fields, factors),
    ...biases(fields),
  }),
  qwen2: (fields, factors) => ({ model_type: 'qwen2', ...attention(fields), ...rope(fields, factors) }),
  qwen3: (fields, factors) => ({ model_type: 'qwen3', ...attention(fields), ...rope(fields, factors) }),
  mamba,
  mamba2,
}

export const GGUF_ARCHITECTURES: readonly string[] = Object.keys(READERS)

/** null for an architecture that is not read. Throws `E_MODEL_CONFIG` for keys that are missing or not supported. */
export function ggufConfig(fields: GgufFields, factors: RopeFactors): Readonly<Config> | null {
  const reader = Object.hasOwn(READERS, fields.architecture) ? READERS[fields.architecture] : undefined
  return reader === undefined ? null : { ...common(fields), ...reader(fields, factors) }
}

/** Sizes that every decoder has. A file without a head of its own uses the embedding table. */
function common(fields: GgufFields): Config {
  fields.must('expert_count', 0)
  return {
    vocab_size: fields.shape('token_embd.weight')[0],
    hidden_size: fields.number('embedding_length'),
    num_hidden_layers: fields.number('block_count'),
    tie_word_embeddings: !fields.has('output.weight'),
  }
}

/** Heads, width of the MLP, norm and window of a transformer. */
function attention(fields: GgufFields): Config {
  const heads = fields.number('attention.head_count')
  const headDim = headDimOf(fields)
  fields.must('attention.value_length', headDim)
  return {
    num_attention_heads: heads,
    num_key_value_heads: fields.number('attention.head_count_kv', heads),
    head_dim: headDim,
    intermediate_size: fields.number('feed_forward_length'),
    max_position_embeddings: fields.number('context_length'),
    rms_norm_eps: fields.number('attention.layer_norm_rms_epsilon'),
  }
}

function headDimOf(fields: GgufFields): number {
  return fields.number(
    'attention.key_length',
    fields.number('embedding_length') / fields.number('attention.head_count'),
  )
}

function biases(fields: GgufFields): Config {
  return { attention_bias: fields.has('blk.0.attn_q.bias'), mlp_bias: fields.has('blk.0.ffn_up.bias') }
}

/**
 * Rotation: what llama.cpp calls linear and yarn, and factors for each wave. The frequencies of Llama 3.1 are kept as such
 * factors, which is the long-context form with one list.
 */
function rope(fields: GgufFields, factors: RopeFactors): Config {
  const headDim = headDimOf(fields)
  const rotated = fields.number('rope.dimension_count', headDim)
  const base = {
    rope_theta: fields.number('rope.freq_base', 10000),
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
  }
  const context = fields.number('context_length')
  const original = fields.number('rope.scaling.original_context_length', context)
  const { all, long = all, short = all } = factors
  if (long !== undefined && short !== undefined) {
    const magnitude = fields.number('rope.scaling.attn_factor', 1)
    return {
      ...base,
      rope_scaling: {
        ...{ rope_type: 'longrope', long_factor: long, short_factor: short, attention_factor: magnitude },
        original_max_position_embeddings: all === undefined ? original : context,
      },
    }
  }
  const type = fields.text('rope.scaling.type')
  const factor = fields.number('rope.scaling.factor', fields.number('rope.scale_linear', 1))
  if (type === 'linear' || (type === null && factor !== 1)) return { ...base, rope_scaling: { type: 'linear', factor } }
  if (type !== 'yarn') return base
  return {
    ...base,
    rope_scaling: {
      ...{ rope_type: 'yarn', factor, original_max_position_embeddings: original },
      beta_fast: fields.number('rope.scaling.yarn_beta_fast', 32),
      beta_slow: fields.number('rope.scaling.yarn_beta_slow', 1),
    },
  }
}

function mamba(fields: GgufFields): Config {
  fields.must('ssm.dt_b_c_rms', false)
  return {
    model_type: 'mamba',
    ...recurrent(fields),
    time_step_rank: fields.number('ssm.time_step_rank'),
    use_conv_bias: fields.has('blk.0.ssm_conv1d.bias'),
  }
}

function mamba2(fields: GgufFields): Config {
  const heads = fields.number('ssm.time_step_rank')
  return {
    model_type: 'mamba2',
    ...recurrent(fields),
    num_heads: heads,
    head_dim: fields.number('ssm.inner_size') / heads,
    n_groups: fields.number('ssm.group_count'),
    use_conv_bias: fields.has('blk.0.ssm_conv1d.bias'),
  }
}

function recurrent(fields: GgufFields): Config {
  return {
    expand: fields.number('ssm.inner_size') / fields.number('embedding_length'),
    state_size: fields.number('ssm.state_size'),
    conv_kernel: fields.number('ssm.conv_kernel'),
    layer_norm_epsilon: fields.number('attention.layer_norm_rms_epsilon'),
  }
}
