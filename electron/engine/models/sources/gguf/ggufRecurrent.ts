/** Models with recurrent layers in GGUF metadata, as config.json has them. */
import type { GgufFields } from './ggufFields.ts'
import { attention, type Config, layersOf, type RopeFactors, rope } from './ggufTransformer.ts'

export function mamba(fields: GgufFields): Config {
  fields.must('ssm.dt_b_c_rms', false)
  return { model_type: 'mamba', ...recurrent(fields), time_step_rank: fields.number('ssm.time_step_rank') }
}

export function mamba2(fields: GgufFields): Config {
  const heads = fields.number('ssm.time_step_rank')
  return {
    ...{ model_type: 'mamba2', ...recurrent(fields), num_heads: heads },
    head_dim: fields.number('ssm.inner_size') / heads,
    n_groups: fields.number('ssm.group_count'),
  }
}

function recurrent(fields: GgufFields): Config {
  return {
    expand: fields.number('ssm.inner_size') / fields.number('embedding_length'),
    state_size: fields.number('ssm.state_size'),
    conv_kernel: fields.number('ssm.conv_kernel'),
    layer_norm_epsilon: fields.number('attention.layer_norm_rms_epsilon'),
    use_conv_bias: fields.has('blk.0.ssm_conv1d.bias'),
  }
}

/** The second Mamba inside a hybrid; `layer` is one that has it. */
function mixer(fields: GgufFields, layer: number): Config {
  const [inner, heads] = [fields.number('ssm.inner_size'), fields.number('ssm.time_step_rank')]
  return {
    mamba_n_heads: heads,
    mamba_d_head: inner / heads,
    mamba_n_groups: fields.number('ssm.group_count'),
    mamba_d_state: fields.number('ssm.state_size'),
    mamba_d_conv: fields.number('ssm.conv_kernel'),
    mamba_expand: inner / fields.number('embedding_length'),
    mamba_conv_bias: fields.has(`blk.${layer}.ssm_conv1d.bias`),
  }
}

/** Its multipliers are in the weights of the file. */
export function falconH1(fields: GgufFields, factors: RopeFactors): Config {
  return {
    ...{ model_type: 'falcon_h1', ...attention(fields), ...rope(fields, factors), ...mixer(fields, 0) },
    mamba_d_ssm: fields.number('ssm.inner_size'),
    mamba_rms_norm: fields.has('blk.0.ssm_norm.weight'),
    mamba_norm_before_gate: false,
  }
}

export function graniteHybrid(fields: GgufFields, factors: RopeFactors): Config {
  const attends = attendsOf(fields)
  return {
    ...{ model_type: 'granitemoehybrid', ...attention(fields), ...rope(fields, factors) },
    ...mixer(fields, Math.max(attends.indexOf(false), 0)),
    layer_types: attends.map(each => (each ? 'attention' : 'mamba')),
    position_embedding_type: fields.flag('rope.scaling.finetuned') ? 'rope' : 'nope',
    num_local_experts: 0,
    shared_intermediate_size: fields.shape('blk.0.ffn_up.weight')[0],
  }
}

export function lfm2(fields: GgufFields, factors: RopeFactors): Config {
  const { rms_norm_eps: epsilon, intermediate_size: inner, head_dim: headDim, ...heads } = attention(fields)
  return {
    ...{ model_type: 'lfm2', ...heads, head_dim: headDim, ...rope(fields, factors) },
    ...{ norm_eps: epsilon, block_ff_dim: inner, block_auto_adjust_ff_dim: false },
    conv_L_cache: fields.number('shortconv.l_cache'),
    layer_types: attendsOf(fields).map(each => (each ? 'full_attention' : 'conv')),
  }
}

/** llama.cpp tiles the key heads over the value heads. */
export function qwen35(fields: GgufFields, factors: RopeFactors): Config {
  const [inner, heads] = [fields.number('ssm.inner_size'), fields.number('ssm.time_step_rank')]
  const interval = fields.number('full_attention_interval', 4)
  const attends = (layer: number) => (layer + 1) % interval === 0
  return {
    ...{ model_type: 'qwen3_5_text', ...attention(fields), ...rope(fields, factors, 10_000_000) },
    linear_conv_kernel_dim: fields.number('ssm.conv_kernel'),
    linear_key_head_dim: fields.number('ssm.state_size'),
    linear_num_key_heads: fields.number('ssm.group_count'),
    linear_num_value_heads: heads,
    linear_value_head_dim: inner / heads,
    linear_value_heads_tiled: true,
    layer_types: Array.from({ length: layersOf(fields) }, (_, layer) =>
      attends(layer) ? 'full_attention' : 'linear_attention',
    ),
  }
}

/** For each layer, whether it has attention: the others have no heads. */
function attendsOf(fields: GgufFields): boolean[] {
  return fields.perLayer('attention.head_count_kv').map(heads => heads > 0)
}
