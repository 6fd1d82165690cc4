/** GGUF metadata as the config.json that the same model has on the hub: what an architecture of the compiler reads. */
import type { GgufFields } from './ggufFields.ts'
import { falconH1, graniteHybrid, lfm2, mamba, mamba2, qwen35 } from './ggufRecurrent.ts'
import { attention, type Config, gpt2, headDimOf, layersOf, type RopeFactors, rope } from './ggufTransformer.ts'

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
  gemma3,
  phi3: (fields, factors) => ({
    ...{ model_type: 'phi3', ...attention(fields), ...rope(fields, factors) },
    sliding_window: fields.number('attention.sliding_window', 0) || null,
  }),
  smollm3: (fields, factors) => ({ model_type: 'smollm3', ...attention(fields), ...rope(fields, factors) }),
  olmo2: (fields, factors) => ({ model_type: 'olmo2', ...attention(fields), ...rope(fields, factors) }),
  granite: (fields, factors) => ({
    ...{
      model_type: 'granite',
      ...attention(fields),
      ...rope(fields, factors),
      ...biases(fields),
      ...multipliers(fields),
    },
  }),
  gpt2,
  mamba,
  mamba2,
  lfm2,
  qwen35,
  'falcon-h1': falconH1,
  granitehybrid: (fields, factors) => ({ ...graniteHybrid(fields, factors), ...multipliers(fields) }),
}

export const GGUF_ARCHITECTURES: readonly string[] = Object.keys(READERS)

/** null for an architecture that is not read. Throws `E_MODEL_CONFIG` for keys that are missing or not supported. */
export function ggufConfig(fields: GgufFields, factors: RopeFactors): Readonly<Config> | null {
  const reader = Object.hasOwn(READERS, fields.architecture) ? READERS[fields.architecture] : undefined
  if (reader === undefined) return null
  fields.must('expert_count', 0)
  const own = reader(fields, factors)
  const sizes = { hidden_size: fields.number('embedding_length'), num_hidden_layers: layersOf(fields) }
  return {
    vocab_size: fields.shape('token_embd.weight')[0],
    ...(own.model_type === 'gpt2' ? {} : sizes),
    // A file without a head of its own uses the embedding table.
    tie_word_embeddings: !fields.has('output.weight'),
    ...own,
  }
}

function biases(fields: GgufFields): Config {
  return { attention_bias: fields.has('blk.0.attn_q.bias'), mlp_bias: fields.has('blk.0.ffn_up.bias') }
}

/** What Granite calls multipliers; `logit_scale` divides. */
function multipliers(fields: GgufFields): Config {
  return {
    attention_multiplier: fields.number('attention.scale', 1 / Math.sqrt(headDimOf(fields))),
    embedding_multiplier: fields.number('embedding_scale', 1),
    residual_multiplier: fields.number('residual_scale', 1),
    logits_scaling: fields.number('logit_scale', 1),
  }
}

/** Layers of the 27B, whose scores are scaled by the width a head would have. */
const GEMMA_27B_LAYERS = 62

/** Windows in five of six layers, which rotate with a base of their own that files leave out. */
function gemma3(fields: GgufFields, factors: RopeFactors): Config {
  const heads = fields.number('attention.head_count')
  const isLargest = fields.layers === GEMMA_27B_LAYERS
  return {
    model_type: 'gemma3_text',
    ...attention(fields),
    ...rope(fields, factors, 1_000_000),
    query_pre_attn_scalar: isLargest ? fields.number('embedding_length') / heads : headDimOf(fields),
    sliding_window: fields.number('attention.sliding_window'),
    sliding_window_pattern: fields.number('attention.sliding_window_pattern', 6),
    rope_local_base_freq: fields.number('rope.freq_base_swa', 10_000),
    final_logit_softcapping: fields.optional('final_logit_softcapping'),
  }
}
