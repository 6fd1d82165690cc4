/** Writes model folders with seeded random weights in the layout of the hub, for tests and benchmarks. */
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export type Shapes = Readonly<Record<string, readonly number[]>>
type Fields = Readonly<Record<string, unknown>>

/** The tensors that a configuration with explicit fields calls for, as transformers names them. */
export function tensorShapes(config: Fields): Shapes {
  const shapes = SHAPES[String(config.model_type)]
  if (shapes === undefined) throw new Error(`No tensor list for ${String(config.model_type)}.`)
  return shapes(config)
}

/**
 * Writes config.json and model.safetensors (float32). Values are uniform within ±1/√fan-in, norms near 1, so that logits
 * stay of order one; the same seed gives the same bytes.
 */
export async function writeGeneratedCheckpoint(folder: string, config: Fields, seed = 1): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  const shapes = tensorShapes(config)
  const header: Record<string, unknown> = {}
  let offset = 0
  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1)
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] }
    offset += bytes
  }
  const text = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  await using file = await open(join(folder, 'model.safetensors'), 'w')
  await file.write(prefix)
  await file.write(text)
  const random = xoroshiro128plus(seed)
  for (const [name, shape] of Object.entries(shapes))
    await file.write(values(name, shape, { centred: isCentred(config, name), next: () => random.next() / 2 ** 31 }))
}

/** Norm weights that mean `1 + weight`. */
function isCentred(config: Fields, name: string): boolean {
  const type = config.model_type
  return type === 'gemma3_text' || (type === 'qwen3_5_text' && !name.includes('linear_attn'))
}

/** `next` uniform in [-1, 1). */
function values(
  name: string,
  shape: readonly number[],
  { centred, next }: { centred: boolean; next: () => number },
): Uint8Array {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  const [centre, spread] = rangeOf(name, shape, centred)
  for (let index = 0; index < data.length; index++) data[index] = centre + spread * next()
  return new Uint8Array(data.buffer)
}

function rangeOf(name: string, shape: readonly number[], centred: boolean): [centre: number, spread: number] {
  if (name.endsWith('A_log')) return [0.5, 0.5]
  if (name.endsWith('dt_bias') || name.endsWith('dt_proj.bias')) return [-2, 1]
  if (/(norm|norm_f|ln_[12f]|D)(\.weight)?$/.test(name)) return [centred ? 0 : 1, 0.2]
  if (name.endsWith('bias')) return [0, 0.1]
  return [0, 1.7 / Math.sqrt(shape.at(-1) ?? 1)]
}

const number = (config: Fields, name: string): number => Number(config[name])

const SHAPES: Readonly<Record<string, (config: Fields) => Shapes>> = {
  gpt2(config) {
    const [width, vocab] = [number(config, 'n_embd'), number(config, 'vocab_size')]
    const inner = typeof config.n_inner === 'number' ? config.n_inner : 4 * width
    const shapes: Record<string, number[]> = {
      'wte.weight': [vocab, width],
      'wpe.weight': [number(config, 'n_positions'), width],
    }
    for (let layer = 0; layer < number(config, 'n_layer'); layer++) {
      const at = `h.${layer}`
      for (const norm of ['ln_1', 'ln_2']) Object.assign(shapes, normWithBias(`${at}.${norm}`, width))
      Object.assign(shapes, conv1d(`${at}.attn.c_attn`, width, 3 * width), conv1d(`${at}.attn.c_proj`, width, width))
      Object.assign(shapes, conv1d(`${at}.mlp.c_fc`, width, inner), conv1d(`${at}.mlp.c_proj`, inner, width))
    }
    return { ...shapes, ...normWithBias('ln_f', width), ...head(config, width, vocab, true) }
  },
  llama: config => llamaShapes(config, config.attention_bias === true, config.attention_bias === true),
  mistral: config => llamaShapes(config, false, false),
  qwen2: config => llamaShapes(config, true, false),
  qwen3: config => llamaShapes(config, config.attention_bias === true, config.attention_bias === true),
  gemma3_text: config => llamaShapes(config, config.attention_bias === true, config.attention_bias === true),
  phi3: config => llamaShapes(config, false, false),
  smollm3: config => llamaShapes(config, config.attention_bias === true, config.attention_bias === true),
  granite: config => llamaShapes(config, config.attention_bias === true, config.attention_bias === true),
  olmo2: config => llamaShapes(config, config.attention_bias === true, config.attention_bias === true),
  lfm2(config) {
    const width = number(config, 'hidden_size')
    const inner = number(config, 'intermediate_size')
    const bias = config.conv_bias === true
    return hybridShapes(
      config,
      { norms: ['operator_norm', 'ffn_norm'], final: 'embedding_norm', tied: true },
      (at, kind) => ({
        ...(kind === 'full_attention'
          ? attentionShapes(config, `${at}.self_attn`, { output: 'out_proj', norm: 'layernorm' })
          : {
              ...linear(`${at}.conv.in_proj`, width, 3 * width, bias),
              ...conv(`${at}.conv.conv`, width, { use_conv_bias: bias, conv_kernel: config.conv_L_cache }),
              ...linear(`${at}.conv.out_proj`, width, width, bias),
            }),
        ...linear(`${at}.feed_forward.w1`, width, inner, false),
        ...linear(`${at}.feed_forward.w3`, width, inner, false),
        ...linear(`${at}.feed_forward.w2`, inner, width, false),
      }),
    )
  },
  falcon_h1(config) {
    const width = number(config, 'hidden_size')
    const own = typeof config.mamba_d_ssm === 'number' ? config.mamba_d_ssm : number(config, 'mamba_expand') * width
    const norms = { norms: ['input_layernorm', 'pre_ff_layernorm'], final: 'final_layernorm', tied: false }
    return hybridShapes(config, norms, at => ({
      ...mambaShapes(config, `${at}.mamba`, {
        inner: own,
        norm: config.mamba_rms_norm === true,
        out: config.projectors_bias,
      }),
      ...attentionShapes(config, `${at}.self_attn`, {}),
      ...mlpShapes(config, `${at}.feed_forward`, config.mlp_bias === true),
    }))
  },
  granitemoehybrid(config) {
    const [width, inner] = [number(config, 'hidden_size'), number(config, 'shared_intermediate_size')]
    const own = number(config, 'mamba_expand') * width
    const norms = { norms: ['input_layernorm', 'post_attention_layernorm'], final: 'norm', tied: false }
    return hybridShapes(config, norms, (at, kind) => ({
      ...(kind === 'attention' || kind === 'full_attention'
        ? attentionShapes(config, `${at}.self_attn`, {})
        : mambaShapes(config, `${at}.mamba`, { inner: own, norm: true, out: config.mamba_proj_bias })),
      ...linear(`${at}.shared_mlp.input_linear`, width, 2 * inner, false),
      ...linear(`${at}.shared_mlp.output_linear`, inner, width, false),
    }))
  },
  qwen3_5_text(config) {
    const width = number(config, 'hidden_size')
    const [keyDim, valueDim] = [number(config, 'linear_key_head_dim'), number(config, 'linear_value_head_dim')]
    const [keys, heads] = [number(config, 'linear_num_key_heads') * keyDim, number(config, 'linear_num_value_heads')]
    const values = heads * valueDim
    const norms = { norms: ['input_layernorm', 'post_attention_layernorm'], final: 'norm', tied: false }
    return hybridShapes(config, norms, (at, kind) => ({
      ...(kind === 'full_attention'
        ? attentionShapes(config, `${at}.self_attn`, { norm: 'norm', queries: 2 })
        : {
            ...linear(`${at}.linear_attn.in_proj_qkv`, width, 2 * keys + values, false),
            ...linear(`${at}.linear_attn.in_proj_z`, width, values, false),
            ...linear(`${at}.linear_attn.in_proj_a`, width, heads, false),
            ...linear(`${at}.linear_attn.in_proj_b`, width, heads, false),
            ...conv(`${at}.linear_attn.conv1d`, 2 * keys + values, {
              ...{ use_conv_bias: false, conv_kernel: config.linear_conv_kernel_dim },
            }),
            ...{ [`${at}.linear_attn.A_log`]: [heads], [`${at}.linear_attn.dt_bias`]: [heads] },
            [`${at}.linear_attn.norm.weight`]: [valueDim],
            ...linear(`${at}.linear_attn.out_proj`, values, width, false),
          }),
      ...mlpShapes(config, `${at}.mlp`, false),
    }))
  },
  mamba(config) {
    const [width, vocab] = [number(config, 'hidden_size'), number(config, 'vocab_size')]
    const [inner, state] = [number(config, 'expand') * width, number(config, 'state_size')]
    const rank = config.time_step_rank === 'auto' ? Math.ceil(width / 16) : number(config, 'time_step_rank')
    const shapes: Record<string, number[]> = { 'backbone.embeddings.weight': [vocab, width] }
    for (let layer = 0; layer < number(config, 'num_hidden_layers'); layer++) {
      const at = `backbone.layers.${layer}`
      shapes[`${at}.norm.weight`] = [width]
      Object.assign(shapes, linear(`${at}.mixer.in_proj`, width, 2 * inner, config.use_bias === true))
      Object.assign(shapes, conv(`${at}.mixer.conv1d`, inner, config))
      Object.assign(shapes, linear(`${at}.mixer.x_proj`, inner, rank + 2 * state, false))
      Object.assign(shapes, linear(`${at}.mixer.dt_proj`, rank, inner, true))
      Object.assign(shapes, { [`${at}.mixer.A_log`]: [inner, state], [`${at}.mixer.D`]: [inner] })
      Object.assign(shapes, linear(`${at}.mixer.out_proj`, inner, width, config.use_bias === true))
    }
    return { ...shapes, 'backbone.norm_f.weight': [width], ...head(config, width, vocab, true) }
  },
  mamba2(config) {
    const [width, vocab, heads] = [
      number(config, 'hidden_size'),
      number(config, 'vocab_size'),
      number(config, 'num_heads'),
    ]
    const inner = number(config, 'expand') * width
    const channels = inner + 2 * number(config, 'n_groups') * number(config, 'state_size')
    const shapes: Record<string, number[]> = { 'backbone.embeddings.weight': [vocab, width] }
    for (let layer = 0; layer < number(config, 'num_hidden_layers'); layer++) {
      const at = `backbone.layers.${layer}`
      shapes[`${at}.norm.weight`] = [width]
      Object.assign(shapes, linear(`${at}.mixer.in_proj`, width, inner + channels + heads, config.use_bias === true))
      Object.assign(shapes, conv(`${at}.mixer.conv1d`, channels, config))
      for (const name of ['A_log', 'D', 'dt_bias']) shapes[`${at}.mixer.${name}`] = [heads]
      shapes[`${at}.mixer.norm.weight`] = [inner]
      Object.assign(shapes, linear(`${at}.mixer.out_proj`, inner, width, config.use_bias === true))
    }
    return { ...shapes, 'backbone.norm_f.weight': [width], ...head(config, width, vocab, false) }
  },
}

/** The norms around attention and MLP, by architecture. */
const NORMS: Readonly<Record<string, readonly string[]>> = {
  olmo2: ['post_attention_layernorm', 'post_feedforward_layernorm'],
  gemma3_text: [
    'input_layernorm',
    'post_attention_layernorm',
    'pre_feedforward_layernorm',
    'post_feedforward_layernorm',
  ],
}

function llamaShapes(config: Fields, qkvBias: boolean, outputBias: boolean): Shapes {
  const [width, vocab, heads] = [
    number(config, 'hidden_size'),
    number(config, 'vocab_size'),
    number(config, 'num_attention_heads'),
  ]
  const kvHeads = typeof config.num_key_value_heads === 'number' ? config.num_key_value_heads : heads
  const headDim = typeof config.head_dim === 'number' ? config.head_dim : width / heads
  const type = String(config.model_type)
  const shapes: Record<string, readonly number[]> = { 'model.embed_tokens.weight': [vocab, width] }
  for (let layer = 0; layer < number(config, 'num_hidden_layers'); layer++) {
    const at = `model.layers.${layer}`
    for (const norm of NORMS[type] ?? ['input_layernorm', 'post_attention_layernorm'])
      shapes[`${at}.${norm}.weight`] = [width]
    const attn = `${at}.self_attn`
    if (type === 'phi3') {
      Object.assign(shapes, linear(`${attn}.qkv_proj`, width, (heads + 2 * kvHeads) * headDim, false))
      Object.assign(shapes, linear(`${at}.mlp.gate_up_proj`, width, 2 * number(config, 'intermediate_size'), false))
      Object.assign(shapes, linear(`${at}.mlp.down_proj`, number(config, 'intermediate_size'), width, false))
    } else {
      Object.assign(shapes, linear(`${attn}.q_proj`, width, heads * headDim, qkvBias))
      for (const part of ['k', 'v'])
        Object.assign(shapes, linear(`${attn}.${part}_proj`, width, kvHeads * headDim, qkvBias))
      Object.assign(shapes, mlpShapes(config, `${at}.mlp`, config.mlp_bias === true))
    }
    Object.assign(shapes, linear(`${attn}.o_proj`, heads * headDim, width, outputBias))
    if (type === 'qwen3' || type === 'gemma3_text')
      for (const part of ['q', 'k']) shapes[`${attn}.${part}_norm.weight`] = [headDim]
    if (type === 'olmo2') {
      shapes[`${attn}.q_norm.weight`] = [heads * headDim]
      shapes[`${attn}.k_norm.weight`] = [kvHeads * headDim]
    }
  }
  const tied = type === 'gemma3_text' || type === 'smollm3'
  return { ...shapes, 'model.norm.weight': [width], ...head(config, width, vocab, tied) }
}

/** Embeddings, each layer's norms and its parts, the last norm and the head. */
function hybridShapes(
  config: Fields,
  { norms, final, tied }: { norms: readonly string[]; final: string; tied: boolean },
  layerShapes: (at: string, kind: unknown) => Shapes,
): Shapes {
  const [width, vocab] = [number(config, 'hidden_size'), number(config, 'vocab_size')]
  const kinds: unknown[] = Array.isArray(config.layer_types) ? config.layer_types : []
  const layers = Array.from({ length: number(config, 'num_hidden_layers') }, (_, layer) => {
    const at = `model.layers.${layer}`
    const named = Object.fromEntries(norms.map(norm => [`${at}.${norm}.weight`, [width]]))
    return { ...named, ...layerShapes(at, kinds[layer]) }
  })
  return Object.assign(
    { 'model.embed_tokens.weight': [vocab, width] },
    ...layers,
    { [`model.${final}.weight`]: [width] },
    head(config, width, vocab, tied),
  )
}

function attentionShapes(
  config: Fields,
  at: string,
  { output = 'o_proj', norm, queries = 1 }: { output?: string; norm?: string; queries?: number },
): Shapes {
  const [width, heads] = [number(config, 'hidden_size'), number(config, 'num_attention_heads')]
  const kvHeads = number(config, 'num_key_value_heads')
  const headDim = typeof config.head_dim === 'number' ? config.head_dim : width / heads
  const bias = config.attention_bias === true
  return {
    ...linear(`${at}.q_proj`, width, queries * heads * headDim, bias),
    ...linear(`${at}.k_proj`, width, kvHeads * headDim, bias),
    ...linear(`${at}.v_proj`, width, kvHeads * headDim, bias),
    ...linear(`${at}.${output}`, heads * headDim, width, bias),
    ...(norm === undefined ? {} : { [`${at}.q_${norm}.weight`]: [headDim], [`${at}.k_${norm}.weight`]: [headDim] }),
  }
}

function mambaShapes(
  config: Fields,
  at: string,
  { inner, norm, out }: { inner: number; norm: boolean; out: unknown },
): Shapes {
  const [width, heads] = [number(config, 'hidden_size'), number(config, 'mamba_n_heads')]
  const channels = inner + 2 * number(config, 'mamba_n_groups') * number(config, 'mamba_d_state')
  return {
    ...linear(`${at}.in_proj`, width, inner + channels + heads, config.mamba_proj_bias === true),
    ...conv(`${at}.conv1d`, channels, { use_conv_bias: config.mamba_conv_bias, conv_kernel: config.mamba_d_conv }),
    ...Object.fromEntries(['A_log', 'D', 'dt_bias'].map(part => [`${at}.${part}`, [heads]])),
    ...(norm ? { [`${at}.norm.weight`]: [inner] } : {}),
    ...linear(`${at}.out_proj`, inner, width, out === true),
  }
}

function mlpShapes(config: Fields, at: string, bias: boolean): Shapes {
  const [width, inner] = [number(config, 'hidden_size'), number(config, 'intermediate_size')]
  return {
    ...linear(`${at}.gate_proj`, width, inner, bias),
    ...linear(`${at}.up_proj`, width, inner, bias),
    ...linear(`${at}.down_proj`, inner, width, bias),
  }
}

function linear(name: string, inputs: number, outputs: number, bias: boolean): Shapes {
  return { [`${name}.weight`]: [outputs, inputs], ...(bias ? { [`${name}.bias`]: [outputs] } : {}) }
}

function conv1d(name: string, inputs: number, outputs: number): Shapes {
  return { [`${name}.weight`]: [inputs, outputs], [`${name}.bias`]: [outputs] }
}

function conv(name: string, channels: number, config: Fields): Shapes {
  const bias = config.use_conv_bias !== false
  return {
    [`${name}.weight`]: [channels, 1, number(config, 'conv_kernel')],
    ...(bias ? { [`${name}.bias`]: [channels] } : {}),
  }
}

function normWithBias(name: string, width: number): Shapes {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] }
}

function head(config: Fields, width: number, vocab: number, tiedByDefault: boolean): Shapes {
  const tied = typeof config.tie_word_embeddings === 'boolean' ? config.tie_word_embeddings : tiedByDefault
  return tied ? {} : { 'lm_head.weight': [vocab, width] }
}
