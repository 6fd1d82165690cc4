/** Attention, MLP and rotation in GGUF metadata, as config.json has them. */
import type { GgufFields } from './ggufFields.ts'

export type Config = Record<string, unknown>
/** Vectors of the file that belong to the configuration: divisors of the rotary frequencies. */
export type RopeFactors = Readonly<Partial<Record<'all' | 'long' | 'short', readonly number[]>>>

/** Far wider than any head. */
const WIDEST_HEAD = 2 ** 16

/** Heads, width of the MLP and norm. Of a hybrid's list of heads the layers without attention have none. */
export function attention(fields: GgufFields): Config {
  const heads = fields.number('attention.head_count')
  const headDim = headDimOf(fields)
  fields.must('attention.value_length', headDim)
  return {
    num_attention_heads: heads,
    num_key_value_heads: kvHeadsOf(fields),
    head_dim: headDim,
    intermediate_size: fields.number('feed_forward_length'),
    max_position_embeddings: fields.number('context_length'),
    rms_norm_eps: fields.number('attention.layer_norm_rms_epsilon'),
  }
}

/** Without those behind them that predict a second token ahead. */
export function layersOf(fields: GgufFields): number {
  const { layers } = fields
  return layers - fields.count('nextn_predict_layers', { least: 0, most: layers - 1, fallback: 0 })
}

export function headDimOf(fields: GgufFields): number {
  const even = fields.number('embedding_length') / fields.number('attention.head_count')
  return fields.count('attention.key_length', { most: WIDEST_HEAD, fallback: even })
}

export function kvHeadsOf(fields: GgufFields): number {
  if (!fields.given('attention.head_count_kv')) return fields.number('attention.head_count')
  return Math.max(...fields.perLayer('attention.head_count_kv'))
}

/** Learned positions, and names of its own in config.json. */
export function gpt2(fields: GgufFields): Config {
  return {
    ...{ model_type: 'gpt2', n_embd: fields.number('embedding_length'), n_layer: layersOf(fields) },
    n_head: fields.number('attention.head_count'),
    n_inner: fields.number('feed_forward_length'),
    n_positions: fields.number('context_length'),
    layer_norm_epsilon: fields.number('attention.layer_norm_epsilon'),
  }
}

/**
 * Rotation: what llama.cpp calls linear and yarn, and factors for each wave. The frequencies of Llama 3.1 are kept as such
 * factors, which is the long-context form with one list.
 */
export function rope(fields: GgufFields, factors: RopeFactors, theta = 10_000): Config {
  const headDim = headDimOf(fields)
  const rotated = fields.count('rope.dimension_count', { most: WIDEST_HEAD, fallback: headDim })
  const base = {
    rope_theta: fields.number('rope.freq_base', theta),
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
  }
  const context = fields.number('context_length')
  const original = fields.number('rope.scaling.original_context_length', context)
  const type = fields.text('rope.scaling.type')
  const factor = fields.number('rope.scaling.factor', fields.number('rope.scale_linear', 1))
  const isLinear = type === 'linear' || (type === null && factor !== 1)
  const magnitude = fields.number('rope.scaling.attn_factor', 1)
  // A magnitude by itself is that of waves that are not divided.
  const even = magnitude === 1 || type === 'yarn' ? undefined : Array.from({ length: rotated / 2 }, () => 1)
  const { all = factors.long === undefined ? even : undefined, long = all, short = all } = factors
  if (long !== undefined && short !== undefined) {
    const divisors = (list: readonly number[]) => (isLinear ? list.map(each => each * factor) : list)
    return {
      ...base,
      rope_scaling: {
        ...{ rope_type: 'longrope', long_factor: divisors(long), short_factor: divisors(short) },
        attention_factor: magnitude,
        original_max_position_embeddings: all === undefined ? original : context,
      },
    }
  }
  if (isLinear) return { ...base, rope_scaling: { rope_type: 'linear', factor } }
  if (type !== 'yarn') return base
  return {
    ...base,
    rope_scaling: {
      ...{ rope_type: 'yarn', factor, original_max_position_embeddings: original },
      ...yarnMagnitude(fields, factor),
      beta_fast: fields.number('rope.scaling.yarn_beta_fast', 32),
      beta_slow: fields.number('rope.scaling.yarn_beta_slow', 1),
    },
  }
}

/** llama.cpp multiplies YaRN's own temperature with this factor. */
function yarnMagnitude(fields: GgufFields, factor: number): Config {
  const given = fields.number('rope.scaling.attn_factor', fields.number('rope.scaling.yarn_attn_factor', 1))
  return given === 1 ? {} : { attention_factor: given * (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1) }
}
