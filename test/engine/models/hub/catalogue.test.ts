import { expect, test } from 'vitest'
import { prepareArchitecture } from '#engine/models/compile/compile.ts'
import { CATALOGUE } from '#engine/models/hub/catalogue.ts'
import { parseHubModel } from '#engine/models/hub/hubId.ts'
import { stateBytes } from '#engine/models/stateBytes.ts'
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
  'state-spaces/mamba-130m-hf': mamba(24, 768),
  'state-spaces/mamba-370m-hf': mamba(48, 1024),
  'state-spaces/mamba-790m-hf': mamba(48, 1536),
  'state-spaces/mamba-1.4b-hf': mamba(48, 2048),
  'state-spaces/mamba-2.8b-hf': mamba(64, 2560),
}

test.each(CATALOGUE.filter(({ architecture }) => architecture !== 'lfm2'))(
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
  const lfm2 = of('/LFM2-350M-ONNX')
  expect(lfm2?.perToken).toBe(6 * 2 * 8 * 64 * 4)
  expect(lfm2?.fixed).toBeGreaterThan(10 * 1024 * 3 * 4 - 1)
})

test('every entry can be asked for, and none is there twice', () => {
  const folders = CATALOGUE.map(({ hubId }) => parseHubModel(hubId).folderName)
  expect(new Set(folders).size).toBe(CATALOGUE.length)
})
