import { expect, test } from 'vitest'
import { stateBytes } from '#engine/inference/stateBytes.ts'
import { prepareArchitecture } from '#engine/models/compile/compile.ts'
import { CATALOGUE } from '#engine/models/hub/catalogue.ts'
import { parseHubModel } from '#engine/models/hub/hubId.ts'
import { tensorShapes } from '../../../model/generatedCheckpoint.ts'

const llama = { model_type: 'llama', hidden_act: 'silu', tie_word_embeddings: true, rms_norm_eps: 1e-5 }
const mamba = (layers: number, width: number) => ({
  model_type: 'mamba',
  hidden_size: width,
  num_hidden_layers: layers,
  state_size: 16,
  conv_kernel: 4,
  expand: 2,
  time_step_rank: Math.ceil(width / 16),
  use_bias: false,
  use_conv_bias: true,
  vocab_size: 50280,
})

/** The shapes that their owners published in config.json. */
const CONFIGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'HuggingFaceTB/SmolLM2-135M-Instruct': {
    ...llama,
    ...{ hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30, vocab_size: 49152 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 8192 },
  },
  'HuggingFaceTB/SmolLM2-360M-Instruct': {
    ...llama,
    ...{ hidden_size: 960, intermediate_size: 2560, num_hidden_layers: 32, vocab_size: 49152 },
    ...{ num_attention_heads: 15, num_key_value_heads: 5, max_position_embeddings: 8192 },
  },
  'Qwen/Qwen2.5-0.5B-Instruct': {
    ...{ ...llama, model_type: 'qwen2', hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2, max_position_embeddings: 32768, vocab_size: 151936 },
  },
  'Qwen/Qwen3-0.6B': {
    ...{ ...llama, model_type: 'qwen3', hidden_size: 1024, intermediate_size: 3072, num_hidden_layers: 28 },
    ...{ num_attention_heads: 16, num_key_value_heads: 8, max_position_embeddings: 40960, vocab_size: 151936 },
    head_dim: 128,
  },
  'meta-llama/Llama-3.2-1B-Instruct': {
    ...llama,
    ...{ hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16, vocab_size: 128256 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, max_position_embeddings: 131072, head_dim: 64 },
  },
  'mistralai/Mistral-7B-Instruct-v0.3': {
    ...{ ...llama, model_type: 'mistral', tie_word_embeddings: false, sliding_window: null, vocab_size: 32768 },
    ...{ hidden_size: 4096, intermediate_size: 14336, num_hidden_layers: 32 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, max_position_embeddings: 32768 },
  },
  'openai-community/gpt2': {
    ...{ model_type: 'gpt2', activation_function: 'gelu_new', n_embd: 768, n_head: 12, n_layer: 12 },
    ...{ n_positions: 1024, n_ctx: 1024, vocab_size: 50257 },
  },
  'google/gemma-3-270m-it': {
    ...{ model_type: 'gemma3_text', hidden_size: 640, intermediate_size: 2048, num_hidden_layers: 18 },
    ...{ num_attention_heads: 4, num_key_value_heads: 1, head_dim: 256, vocab_size: 262144, sliding_window: 512 },
    ...{ max_position_embeddings: 32768, query_pre_attn_scalar: 256, rope_local_base_freq: 10000 },
  },
  'allenai/OLMo-2-0425-1B-Instruct': {
    ...{ model_type: 'olmo2', hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16, vocab_size: 100352 },
    ...{ num_attention_heads: 16, num_key_value_heads: 16, max_position_embeddings: 4096, rope_theta: 500000 },
  },
  'ibm-granite/granite-3.3-2b-instruct': {
    ...{ ...llama, model_type: 'granite', hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 40 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, max_position_embeddings: 131072, vocab_size: 49159 },
    ...{ embedding_multiplier: 12, logits_scaling: 8, residual_multiplier: 0.22, attention_multiplier: 0.015625 },
  },
  'HuggingFaceTB/SmolLM3-3B': {
    ...{ model_type: 'smollm3', hidden_size: 2048, intermediate_size: 11008, num_hidden_layers: 36 },
    ...{ num_attention_heads: 16, num_key_value_heads: 4, max_position_embeddings: 65536, vocab_size: 128256 },
  },
  'microsoft/Phi-4-mini-instruct': {
    ...{ ...llama, model_type: 'phi3', hidden_size: 3072, intermediate_size: 8192, num_hidden_layers: 32 },
    ...{ num_attention_heads: 24, num_key_value_heads: 8, max_position_embeddings: 131072, vocab_size: 200064 },
    ...{ original_max_position_embeddings: 4096, partial_rotary_factor: 0.75, sliding_window: 262144 },
    rope_scaling: { type: 'longrope', short_factor: Array(48).fill(1), long_factor: Array(48).fill(2) },
  },
  'LiquidAI/LFM2-350M': {
    ...{ model_type: 'lfm2', hidden_size: 1024, block_ff_dim: 6656, intermediate_size: 4608, num_hidden_layers: 16 },
    ...{ num_attention_heads: 16, num_key_value_heads: 8, max_position_embeddings: 128000, vocab_size: 65536 },
    ...{
      conv_L_cache: 3,
      layer_types: [...'ccaccaccacacacac'].map(kind => (kind === 'a' ? 'full_attention' : 'conv')),
    },
  },
  'ibm-granite/granite-4.0-h-350m': {
    ...{ model_type: 'granitemoehybrid', hidden_size: 768, shared_intermediate_size: 2048, num_hidden_layers: 32 },
    ...{ num_attention_heads: 12, num_key_value_heads: 4, max_position_embeddings: 32768, vocab_size: 100352 },
    ...{ mamba_n_heads: 48, mamba_d_head: 32, mamba_d_state: 128, mamba_n_groups: 1, mamba_d_conv: 4, mamba_expand: 2 },
    ...{ num_local_experts: 0, tie_word_embeddings: true, position_embedding_type: 'nope' },
    layer_types: Array.from({ length: 32 }, (_, i) => ([10, 13, 17, 27].includes(i) ? 'attention' : 'mamba')),
  },
  'tiiuae/Falcon-H1-0.5B-Instruct': {
    ...{
      model_type: 'falcon_h1',
      hidden_size: 1024,
      intermediate_size: 2048,
      num_hidden_layers: 36,
      vocab_size: 32784,
    },
    ...{ num_attention_heads: 8, num_key_value_heads: 2, head_dim: 64, max_position_embeddings: 16384 },
    ...{ mamba_n_heads: 24, mamba_d_head: 64, mamba_d_ssm: 1536, mamba_d_state: 128, mamba_n_groups: 1 },
    ...{ mamba_d_conv: 4, mamba_expand: 2, rope_theta: 1e11 },
  },
  'state-spaces/mamba-130m-hf': mamba(24, 768),
  'state-spaces/mamba-370m-hf': mamba(48, 1024),
  'state-spaces/mamba-790m-hf': mamba(48, 1536),
  'state-spaces/mamba-1.4b-hf': mamba(48, 2048),
  'state-spaces/mamba-2.8b-hf': mamba(64, 2560),
}

test.each(CATALOGUE)(
  '$hubId has the size, state and limit that its configuration implies',
  ({ hubId, architecture, parameters, geometry, contextLength, downloadBytes }) => {
    const config = CONFIGS[hubId] ?? {}
    expect(config.model_type).toBe(architecture)
    const layers = prepareArchitecture(config)
    expect(geometry).toEqual(layers.geometry)
    expect(contextLength).toBe(layers.contextLength)
    // Counted by the list of tensors that the tests keep for themselves.
    const shapes = Object.values(tensorShapes(config))
    expect(parameters).toBe(shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0))
    const width = downloadBytes / parameters
    expect(Math.min(Math.abs(width - 2), Math.abs(width - 4))).toBeLessThan(0.6)
  },
)

test('the figures people know: GPT-2 adds 72 KiB a token, Mamba 130m weighs 2.8 MB at any length', () => {
  const of = (name: string) => {
    const model = CATALOGUE.find(({ hubId }) => hubId.endsWith(name))
    return model === undefined ? null : stateBytes(model.geometry)
  }
  expect(of('/gpt2')).toEqual({ perToken: 73728, fixed: 0 })
  expect(of('/mamba-130m-hf')).toEqual({ perToken: 0, fixed: 24 * 1536 * (16 + 3) * 4 })
  const lfm2 = of('/LFM2-350M')
  expect(lfm2?.perToken).toBe(6 * 2 * 8 * 64 * 4)
  expect(lfm2?.fixed).toBe(10 * (1024 * 2 + 1) * 4)
})

test('every entry can be asked for, and none is there twice', () => {
  const folders = CATALOGUE.map(({ hubId }) => parseHubModel(hubId).folderName)
  expect(new Set(folders).size).toBe(CATALOGUE.length)
})
