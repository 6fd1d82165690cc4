/** What the Llama family's config.json says, in one form: an architecture of the family is a {@link LlamaVariant}. */
import type { PositionScheme } from '../model.ts'
import { ACTIVATIONS, type Activation } from './activation.ts'
import type { ConfigFields } from './config.ts'
import type { DecoderShape } from './decoderEnds.ts'
import { type RopeConfig, type RopeGeometry, readRope } from './ropeScaling.ts'

export interface LlamaConfig extends DecoderShape {
  readonly contextLength: number
  readonly activation: Activation
  readonly position: PositionScheme
  /** Each layer's positions; null: the layer does not know of any. */
  readonly ropes: readonly (RopeConfig | null)[]
  /** Tokens each layer's positions see; null: all. */
  readonly windows: readonly (number | null)[]
  readonly bias: { readonly qkv: boolean; readonly output: boolean; readonly mlp: boolean }
  /** Around attention and MLP: a norm of what goes in (Llama), of what comes out (OLMo 2), or of both (Gemma 3). */
  readonly norms: 'before' | 'after' | 'both'
  /** Norm weights are stored around 0 and mean `1 + weight`. */
  readonly centredNorms: boolean
  /** RMS norm of queries and keys before rotation: of each head (Qwen3), or of all heads together (OLMo 2). */
  readonly queryKeyNorm: 'none' | 'head' | 'all'
  /** qkv_proj and gate_up_proj instead of three and two tensors (Phi-3). */
  readonly fused: boolean
  /** What attention scores are multiplied with. */
  readonly scale: number
  readonly embeddingMultiplier: number
  readonly residualMultiplier: number
  readonly logitsMultiplier: number
  readonly logitsSoftcap: number | null
}

type Layers = { readonly layers: number; readonly headDim: number; readonly contextLength: number }

/** What an architecture decides for itself; `defaults` are those of its transformers config class. */
export interface LlamaVariant {
  readonly bias?: (config: ConfigFields) => LlamaConfig['bias']
  readonly windows?: (config: ConfigFields, layers: number) => (number | null)[]
  /** Default: the settings of config.json in every layer. */
  readonly ropes?: (config: ConfigFields, shape: Layers) => Pick<LlamaConfig, 'ropes' | 'position'>
  readonly traits?: (
    config: ConfigFields,
    shape: Layers & { readonly width: number },
  ) => Partial<
    Pick<LlamaConfig, 'scale' | 'embeddingMultiplier' | 'residualMultiplier' | 'logitsMultiplier' | 'logitsSoftcap'>
  >
  readonly norms?: LlamaConfig['norms']
  readonly centredNorms?: boolean
  readonly queryKeyNorm?: LlamaConfig['queryKeyNorm']
  readonly fused?: boolean
  readonly defaults: {
    readonly vocabSize: number
    readonly inner: number
    readonly layers: number
    readonly contextLength: number
    readonly width?: number
    readonly heads?: number
    /** Where the field is left out; a null means as many as heads. */
    readonly kvHeads?: number
    /** Absent: width / heads. */
    readonly headDim?: number
    readonly epsilon?: number
    readonly tied?: boolean
    readonly theta?: number
    readonly activation?: { readonly field: string; readonly value: Activation }
  }
}

/** Throws `E_MODEL_CONFIG` and names the field. */
export function readLlamaConfig(config: ConfigFields, variant: LlamaVariant): LlamaConfig {
  const { defaults } = variant
  const width = config.count('hidden_size', defaults.width ?? 4096)
  const layers = config.layers('num_hidden_layers', defaults.layers)
  const { heads, kvHeads, headDim } = readHeads(config, width, defaults)
  const length = config.count('max_position_embeddings', defaults.contextLength)
  const shape = { layers, headDim, contextLength: length, width }
  const { ropes, position } = (variant.ropes ?? sameRope(defaults.theta))(config, shape)
  const activation = defaults.activation ?? { field: 'hidden_act', value: 'silu' }
  const parsed = {
    vocabSize: config.count('vocab_size', defaults.vocabSize),
    width,
    layers,
    heads,
    kvHeads,
    headDim,
    inner: config.count('intermediate_size', defaults.inner),
    contextLength: Math.min(length, ...ropes.map(rope => rope?.contextLength ?? length)),
    epsilon: config.number('rms_norm_eps', defaults.epsilon ?? 1e-6),
    activation: config.choice(activation.field, ACTIVATIONS, activation.value),
    tied: config.flag('tie_word_embeddings', defaults.tied ?? false),
    position,
    ropes,
    windows: variant.windows?.(config, layers) ?? Array.from({ length: layers }, () => null),
    bias: variant.bias?.(config) ?? { qkv: false, output: false, mlp: false },
    norms: variant.norms ?? 'before',
    centredNorms: variant.centredNorms ?? false,
    queryKeyNorm: variant.queryKeyNorm ?? 'none',
    fused: variant.fused ?? false,
    ...{ scale: 1 / Math.sqrt(headDim), embeddingMultiplier: 1, residualMultiplier: 1, logitsMultiplier: 1 },
    logitsSoftcap: null,
    ...variant.traits?.(config, shape),
  } satisfies LlamaConfig
  config.must('rope_interleaved', false)
  config.must('use_mrope', false)
  config.finish()
  return parsed
}

/** Query and key heads and their size; `kvHeads` is for files that leave the field out, a null means as many as heads. */
export function readHeads(
  config: ConfigFields,
  width: number,
  defaults: { readonly heads?: number; readonly kvHeads?: number; readonly headDim?: number },
): { heads: number; kvHeads: number; headDim: number } {
  const heads = config.count('num_attention_heads', defaults.heads ?? 32)
  const kvField = 'num_key_value_heads'
  const kvHeads = config.count(kvField, config.given(kvField) ? heads : (defaults.kvHeads ?? heads))
  if (heads % kvHeads !== 0) throw config.error(kvField, `is ${kvHeads} and does not divide ${heads} heads`)
  return { heads, kvHeads, headDim: config.count('head_dim', defaults.headDim ?? width / heads, 8192) }
}

/** One setting for all layers. */
function sameRope(theta: RopeGeometry['theta']): NonNullable<LlamaVariant['ropes']> {
  return (config, { layers, headDim, contextLength }) => {
    const rope = readRope(config, { headDim, contextLength, theta })
    return { ropes: Array.from({ length: layers }, () => rope), position: rope.position }
  }
}

/** `attention_bias` for all four projections and `mlp_bias`, as most of the family have them. */
export function biasFields(config: ConfigFields): LlamaConfig['bias'] {
  const attention = config.flag('attention_bias', false)
  return { qkv: attention, output: attention, mlp: config.flag('mlp_bias', false) }
}
