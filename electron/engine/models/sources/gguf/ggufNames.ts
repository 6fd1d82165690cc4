/** The tensors of a GGUF file by the names, shapes and senses that the compiler knows them by. */
import type { Arrangement, Checkpoint, CheckpointTensor } from '../checkpoint.ts'
import type { GgufFields } from './ggufFields.ts'
import type { GgufFile } from './ggufFile.ts'
import { kvHeadsOf, layersOf } from './ggufTransformer.ts'

interface Names {
  /** Names outside the layers. */
  readonly whole: Readonly<Record<string, string>>
  /** What a layer's tensors begin with; `#` is its number. */
  readonly layer: string
  /** Within a layer, without `.weight` or `.bias`. */
  readonly parts: Readonly<Record<string, string>>
}

const DECODER: Names = {
  whole: {
    'token_embd.weight': 'model.embed_tokens.weight',
    'output_norm.weight': 'model.norm.weight',
    'output.weight': 'lm_head.weight',
  },
  layer: 'model.layers.#.',
  parts: {
    attn_norm: 'input_layernorm',
    attn_q: 'self_attn.q_proj',
    attn_k: 'self_attn.k_proj',
    attn_v: 'self_attn.v_proj',
    attn_output: 'self_attn.o_proj',
    attn_q_norm: 'self_attn.q_norm',
    attn_k_norm: 'self_attn.k_norm',
    ffn_norm: 'post_attention_layernorm',
    ffn_gate: 'mlp.gate_proj',
    ffn_up: 'mlp.up_proj',
    ffn_down: 'mlp.down_proj',
  },
}

/** The recurrent parts, the same in every architecture that has them. */
const MIXER: Readonly<Record<string, string>> = {
  ssm_in: 'in_proj',
  ssm_conv1d: 'conv1d',
  ssm_x: 'x_proj',
  ssm_out: 'out_proj',
  ssm_norm: 'norm',
  ssm_a: 'A_log',
  ssm_d: 'D',
}
const inMixer = (name: string) =>
  Object.fromEntries(Object.entries(MIXER).map(([part, own]) => [part, `${name}.${own}`]))

const MAMBA: Names = {
  whole: {
    'token_embd.weight': 'backbone.embeddings.weight',
    'output_norm.weight': 'backbone.norm_f.weight',
    'output.weight': 'lm_head.weight',
  },
  layer: 'backbone.layers.#.',
  parts: { attn_norm: 'norm', ...inMixer('mixer') },
}

const GPT2: Names = {
  whole: {
    'token_embd.weight': 'wte.weight',
    'position_embd.weight': 'wpe.weight',
    'output_norm.weight': 'ln_f.weight',
    'output_norm.bias': 'ln_f.bias',
    'output.weight': 'lm_head.weight',
  },
  layer: 'h.#.',
  parts: {
    attn_norm: 'ln_1',
    attn_qkv: 'attn.c_attn',
    attn_output: 'attn.c_proj',
    ffn_norm: 'ln_2',
    ffn_up: 'mlp.c_fc',
    ffn_down: 'mlp.c_proj',
  },
}

/** LFM2 has names of its own for the same parts. */
const LFM2: Names = {
  ...DECODER,
  whole: {
    ...DECODER.whole,
    'output_norm.weight': 'model.embedding_norm.weight',
    // The name that llama.cpp gave this norm at first.
    'token_embd_norm.weight': 'model.embedding_norm.weight',
  },
  parts: {
    ...DECODER.parts,
    attn_norm: 'operator_norm',
    attn_output: 'self_attn.out_proj',
    attn_q_norm: 'self_attn.q_layernorm',
    attn_k_norm: 'self_attn.k_layernorm',
    ffn_norm: 'ffn_norm',
    ffn_gate: 'feed_forward.w1',
    ffn_up: 'feed_forward.w3',
    ffn_down: 'feed_forward.w2',
    'shortconv.conv': 'conv.conv',
    'shortconv.in_proj': 'conv.in_proj',
    'shortconv.out_proj': 'conv.out_proj',
  },
}

const FALCON_H1: Names = {
  ...DECODER,
  whole: { ...DECODER.whole, 'output_norm.weight': 'model.final_layernorm.weight' },
  parts: {
    ...{ ...DECODER.parts, ...inMixer('mamba') },
    ffn_norm: 'pre_ff_layernorm',
    ffn_gate: 'feed_forward.gate_proj',
    ffn_up: 'feed_forward.up_proj',
    ffn_down: 'feed_forward.down_proj',
  },
}

const GRANITE_HYBRID: Names = {
  ...DECODER,
  parts: {
    ...{ ...DECODER.parts, ...inMixer('mamba') },
    ffn_gate: 'shared_mlp.gate_proj',
    ffn_up: 'shared_mlp.up_proj',
    ffn_down: 'shared_mlp.output_linear',
  },
}

const decoderWith = (parts: Readonly<Record<string, string>>): Names => ({
  ...DECODER,
  parts: { ...DECODER.parts, ...parts },
})
/** Norms of what comes out of attention and MLP. */
const AFTER = { post_attention_norm: 'post_attention_layernorm', post_ffw_norm: 'post_feedforward_layernorm' }

/** The gated delta rule, for whose parts llama.cpp has the names of a state space model. */
const DELTA = {
  attn_qkv: 'linear_attn.in_proj_qkv',
  attn_gate: 'linear_attn.in_proj_z',
  ssm_conv1d: 'linear_attn.conv1d',
  ssm_alpha: 'linear_attn.in_proj_a',
  ssm_beta: 'linear_attn.in_proj_b',
  ssm_a: 'linear_attn.A_log',
  ssm_norm: 'linear_attn.norm',
  ssm_out: 'linear_attn.out_proj',
  post_attention_norm: 'post_attention_layernorm',
}

const NAMES: Readonly<Record<string, Names>> = {
  gpt2: GPT2,
  qwen35: decoderWith(DELTA),
  gemma3: decoderWith({ ...AFTER, ffn_norm: 'pre_feedforward_layernorm' }),
  olmo2: decoderWith(AFTER),
  phi3: decoderWith({ attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' }),
  mamba: { ...MAMBA, parts: { ...MAMBA.parts, ssm_dt: 'mixer.dt_proj' } },
  mamba2: MAMBA,
  lfm2: LFM2,
  'falcon-h1': FALCON_H1,
  granitehybrid: GRANITE_HYBRID,
}

/** Architectures whose queries and keys llama.cpp rotates in neighbouring pairs. */
const INTERLEAVED: ReadonlySet<string> = new Set(['llama', 'smollm3', 'granite', 'granitehybrid'])

/** Matrices of GPT-2, which stores them the other way round than all others and llama.cpp. */
const TURNED = /^blk\.\d+\.(attn_qkv|attn_output|ffn_up|ffn_down)\.weight$/

/** Vectors that went into the configuration. */
export const ROPE_FACTORS = {
  all: 'rope_freqs.weight',
  long: 'rope_factors_long.weight',
  short: 'rope_factors_short.weight',
} as const
const CONFIGURATION: ReadonlySet<string> = new Set(Object.values(ROPE_FACTORS))

/** A tensor without a counterpart keeps its name: the compiler refuses what it does not use. */
export function ggufCheckpoint(file: GgufFile, fields: GgufFields): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>()
  for (const tensor of file.tensors) {
    if (CONFIGURATION.has(tensor.name)) continue
    const name = nameOf(tensor.name, fields)
    tensors.set(name, {
      ...{ name, dtype: tensor.type.name, shape: shapeOf(name, tensor.shape) },
      ...{ file: tensor.file, offset: tensor.offset, length: tensor.length },
      arrangement: arrangementOf(tensor.name, fields),
    })
  }
  return { folder: file.folder, files: file.files, tensors }
}

function nameOf(name: string, fields: GgufFields): string {
  const names = NAMES[fields.architecture] ?? DECODER
  const whole = names.whole[name]
  if (whole !== undefined) return whole
  const [, layer, part = '', kind = ''] = /^blk\.(\d+)\.([a-z0-9_.]+?)(\.weight|\.bias|)$/.exec(name) ?? []
  // Behind the layers: those that predict a second token ahead.
  if (Number(layer) >= layersOf(fields)) return `mtp.${name}`
  const at = names.layer.replace('#', layer ?? '')
  // The time step of the second generation has a bias and no matrix.
  if (part === 'ssm_dt' && names.parts.ssm_dt === undefined) return `${at}${mixerOf(names)}.dt_bias`
  const own = names.parts[part]
  if (layer === undefined || own === undefined) return name
  // Falcon-H1's files leave the end of one norm's name out; the parts that never have one are single tensors.
  return at + own + (kind === '' && !/\.(A_log|D)$/.test(own) ? '.weight' : kind)
}

function mixerOf(names: Names): string {
  return names.parts.ssm_out?.replace(/\.out_proj$/, '') ?? ''
}

/** llama.cpp drops the 1 in the middle of a convolution's shape and gives vectors of the second Mamba a second dimension. */
function shapeOf(name: string, shape: readonly number[]): readonly number[] {
  if (/\.(conv1d|conv)\.weight$/.test(name) && shape.length === 2) return [shape[0] ?? 0, 1, shape[1] ?? 0]
  const isVector = /\.(A_log|D)$/.test(name) && shape.at(-1) === 1
  const isNorm = /\.(mixer|mamba)\.norm\.weight$/.test(name)
  return isVector || isNorm ? [shape.reduce((a, b) => a * b, 1)] : shape
}

function arrangementOf(name: string, fields: GgufFields): Arrangement | undefined {
  const part = /^blk\.\d+\.([a-z0-9_]+)/.exec(name)?.[1]
  if (part === 'ssm_a') return { kind: 'negative-exponential' }
  const isCentred = fields.architecture === 'gemma3' || fields.architecture === 'qwen35'
  if (isCentred && name.endsWith('norm.weight') && part !== 'ssm_norm') return { kind: 'one-added' }
  if (fields.architecture === 'gpt2' && TURNED.test(name)) return { kind: 'turned' }
  if (!INTERLEAVED.has(fields.architecture) || (part !== 'attn_q' && part !== 'attn_k')) return undefined
  const heads = fields.number('attention.head_count')
  return { kind: 'interleaved', heads: part === 'attn_q' ? heads : kvHeadsOf(fields) }
}
