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
    await file.write(values(name, shape, () => random.next() / 2 ** 31))
}

/** `next` uniform in [-1, 1). */
function values(name: string, shape: readonly number[], next: () => number): Uint8Array {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  const [centre, spread] = rangeOf(name, shape)
  for (let index = 0; index < data.length; index++) data[index] = centre + spread * next()
  return new Uint8Array(data.buffer)
}

function rangeOf(name: string, shape: readonly number[]): [centre: number, spread: number] {
  if (name.endsWith('A_log')) return [0.5, 0.5]
  if (name.endsWith('dt_bias') || name.endsWith('dt_proj.bias')) return [-2, 1]
  if (/(norm|norm_f|ln_[12f]|D)(\.weight)?$/.test(name)) return [1, 0.2]
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

function llamaShapes(config: Fields, qkvBias: boolean, outputBias: boolean): Shapes {
  const [width, vocab, heads] = [
    number(config, 'hidden_size'),
    number(config, 'vocab_size'),
    number(config, 'num_attention_heads'),
  ]
  const kvHeads = typeof config.num_key_value_heads === 'number' ? config.num_key_value_heads : heads
  const headDim = typeof config.head_dim === 'number' ? config.head_dim : width / heads
  const inner = number(config, 'intermediate_size')
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [vocab, width] }
  for (let layer = 0; layer < number(config, 'num_hidden_layers'); layer++) {
    const at = `model.layers.${layer}`
    for (const norm of ['input_layernorm', 'post_attention_layernorm']) shapes[`${at}.${norm}.weight`] = [width]
    Object.assign(shapes, linear(`${at}.self_attn.q_proj`, width, heads * headDim, qkvBias))
    for (const part of ['k', 'v'])
      Object.assign(shapes, linear(`${at}.self_attn.${part}_proj`, width, kvHeads * headDim, qkvBias))
    Object.assign(shapes, linear(`${at}.self_attn.o_proj`, heads * headDim, width, outputBias))
    if (config.model_type === 'qwen3')
      for (const part of ['q', 'k']) shapes[`${at}.self_attn.${part}_norm.weight`] = [headDim]
    for (const part of ['gate', 'up'])
      Object.assign(shapes, linear(`${at}.mlp.${part}_proj`, width, inner, config.mlp_bias === true))
    Object.assign(shapes, linear(`${at}.mlp.down_proj`, inner, width, config.mlp_bias === true))
  }
  return { ...shapes, 'model.norm.weight': [width], ...head(config, width, vocab, false) }
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
