/** What the Llama family's config.json says (llama, mistral, qwen2, qwen3), in one form. */

import { ACTIVATIONS, type Activation } from './activation.ts'
import type { ConfigFields } from './config.ts'
import { type RopeConfig, readRope } from './ropeScaling.ts'

export interface LlamaConfig {
  readonly vocabSize: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly inner: number
  readonly contextLength: number
  readonly epsilon: number
  readonly activation: Activation
  readonly tied: boolean
  readonly rope: RopeConfig
  readonly bias: { readonly qkv: boolean; readonly output: boolean; readonly mlp: boolean }
  /** RMS norm of each query and key head before rotation (Qwen3). */
  readonly headNorm: boolean
  /** Tokens each layer's positions see; null: all. */
  readonly windows: readonly (number | null)[]
}

/** What an architecture decides for itself; `defaults` are those of its transformers config class. */
export interface LlamaVariant {
  readonly bias: (config: ConfigFields) => LlamaConfig['bias']
  readonly headNorm: boolean
  readonly windows: (config: ConfigFields, layers: number) => (number | null)[]
  readonly defaults: {
    readonly vocabSize: number
    readonly inner: number
    readonly layers: number
    readonly contextLength: number
    /** Where the field is left out; a null means as many as heads. */
    readonly kvHeads?: number
    /** Absent: width / heads. */
    readonly headDim?: number
  }
}

/** Throws `E_MODEL_CONFIG` and names the field. */
export function readLlamaConfig(config: ConfigFields, variant: LlamaVariant): LlamaConfig {
  const { defaults } = variant
  const width = config.count('hidden_size', 4096)
  const layers = config.layers('num_hidden_layers', defaults.layers)
  const heads = config.count('num_attention_heads', 32)
  const kvHeads = config.count(
    'num_key_value_heads',
    config.given('num_key_value_heads') ? heads : (defaults.kvHeads ?? heads),
  )
  if (heads % kvHeads !== 0)
    throw config.error('num_key_value_heads', `is ${kvHeads} and does not divide ${heads} heads`)
  const headDim = config.count('head_dim', defaults.headDim ?? width / heads, 8192)
  const contextLength = config.count('max_position_embeddings', defaults.contextLength)
  const parsed = {
    vocabSize: config.count('vocab_size', defaults.vocabSize),
    width,
    layers,
    heads,
    kvHeads,
    headDim,
    inner: config.count('intermediate_size', defaults.inner),
    contextLength,
    epsilon: config.number('rms_norm_eps', 1e-6),
    activation: config.choice('hidden_act', ACTIVATIONS, 'silu'),
    tied: config.flag('tie_word_embeddings', false),
    rope: readRope(config, headDim, contextLength),
    bias: variant.bias(config),
    headNorm: variant.headNorm,
    windows: variant.windows(config, layers),
  } satisfies LlamaConfig
  config.must('rope_interleaved', false)
  config.must('use_mrope', false)
  config.finish()
  return parsed
}
