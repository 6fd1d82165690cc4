/** Published shapes that the model benchmark runs, with generated weights: how fast they are does not depend on the values. */
export const MODEL_SHAPES = {
  'gpt2-small': (layers = 12) => ({
    model_type: 'gpt2',
    activation_function: 'gelu_new',
    layer_norm_epsilon: 1e-5,
    n_ctx: 1024,
    n_embd: 768,
    n_head: 12,
    n_layer: layers,
    n_positions: 1024,
    vocab_size: 50257,
  }),
  'mamba-130m': (layers = 24) => ({
    model_type: 'mamba',
    conv_kernel: 4,
    expand: 2,
    hidden_act: 'silu',
    hidden_size: 768,
    intermediate_size: 1536,
    layer_norm_epsilon: 1e-5,
    num_hidden_layers: layers,
    residual_in_fp32: true,
    state_size: 16,
    tie_word_embeddings: true,
    time_step_rank: 48,
    use_bias: false,
    use_conv_bias: true,
    vocab_size: 50280,
  }),
} as const satisfies Record<string, (layers?: number) => Record<string, unknown>>

export type ModelShape = keyof typeof MODEL_SHAPES

/** Llama shapes that llama.cpp runs too. */
export const LLAMA_SHAPES = {
  'smollm2-135m': (layers = 30) => ({
    model_type: 'llama',
    attention_bias: false,
    hidden_act: 'silu',
    hidden_size: 576,
    intermediate_size: 1536,
    max_position_embeddings: 8192,
    mlp_bias: false,
    num_attention_heads: 9,
    num_hidden_layers: layers,
    num_key_value_heads: 3,
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
    tie_word_embeddings: true,
    vocab_size: 49_152,
  }),
} as const satisfies Record<string, (layers?: number) => Record<string, unknown>>
