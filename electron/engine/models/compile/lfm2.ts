/** LFM2 (Liquid AI 2025): most layers are a short gated convolution, a few are attention. */
import type { KvLayer, SsmLayer } from '../model.ts'
import type { Architecture } from './architecture.ts'
import { causalConv } from './causalConv.ts'
import type { ConfigFields } from './config.ts'
import { type DecoderShape, embedTokens, spareHead, toLogits } from './decoderEnds.ts'
import { DecoderFrame } from './decoderFrame.ts'
import { gatedMlp } from './gatedMlp.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { hybridAttention, hybridComponents, hybridGeometry } from './hybridLayers.ts'
import { readHeads } from './llamaConfig.ts'
import { RmsNorms } from './rmsNorms.ts'
import { type RopeConfig, readRope } from './ropeScaling.ts'
import { selfAttention } from './selfAttention.ts'

interface Lfm2Config extends DecoderShape {
  readonly kernel: number
  readonly convBias: boolean
  readonly rope: RopeConfig
  /** For each layer, whether it is attention. */
  readonly attends: readonly boolean[]
}

export const lfm2: Architecture = {
  prepare(config) {
    const c = readLfm2(config)
    const attention: KvLayer = { kind: 'kv', kvHeads: c.kvHeads, headDim: c.headDim }
    const conv: SsmLayer = { kind: 'ssm', conv: [c.width, c.kernel - 1], ssm: [1] }
    return {
      config: { ...c, rope: c.rope.position.parameters },
      vocabSize: c.vocabSize,
      contextLength: c.rope.contextLength,
      geometry: hybridGeometry(c.layers, layer => [c.attends[layer] === true ? attention : conv]),
      position: c.rope.position,
      base: 'model.',
      unusedTensors: spareHead(c),
      components: hybridComponents(['self_attn', 'conv'], {
        layer: 'operator_norm|ffn_norm',
        final: 'embedding_norm',
      }),
      build: (graph, weights) => buildLfm2(graph, weights, c),
    }
  },
}

/** Defaults are those of transformers' Lfm2Config; the hub's files also have the original code's names for some sizes. */
function readLfm2(config: ConfigFields): Lfm2Config {
  const width = config.count('hidden_size', 2560)
  const layers = config.layers('num_hidden_layers', 32)
  const headed = readHeads(config, width, { kvHeads: 8 })
  const contextLength = config.count('max_position_embeddings', 128_000)
  config.agrees('conv_dim', width)
  config.agrees('conv_dim_out', width)
  config.agrees('block_dim', width)
  config.agrees('block_out_dim', width)
  config.agrees('num_heads', headed.heads)
  config.must('use_pos_enc', true)
  for (const name of [
    'block_mlp_init_scale',
    'block_out_init_scale',
    'conv_use_xavier_init',
    'block_use_xavier_init',
  ]) {
    config.any(name)
  }
  config.must('block_use_swiglu', true)
  config.must('block_norm_eps', config.any('norm_eps') ?? 1e-5)
  const tied = config.flag('tie_word_embeddings', true)
  const parsed = {
    ...{ vocabSize: config.count('vocab_size', 65536), width, layers, ...headed },
    inner: readInner(config),
    kernel: config.count('conv_L_cache', 3),
    epsilon: config.number('norm_eps', 1e-5),
    convBias: config.flag('conv_bias', false),
    // The older name is the one that counts where a file has both.
    tied: config.flag('tie_embedding', tied),
    rope: readRope(config, { headDim: headed.headDim, contextLength, theta: 1_000_000 }),
    attends: readAttends(config, layers),
  } satisfies Lfm2Config
  config.finish()
  return parsed
}

/** The MLP's width; `block_auto_adjust_ff_dim` takes two thirds of it, scaled and rounded up, as the first Llama did. */
function readInner(config: ConfigFields): number {
  const size = config.count('block_ff_dim', config.count('intermediate_size', 12288))
  const multiple = config.count('block_multiple_of', 256)
  const factor = config.positive('block_ffn_dim_multiplier', 1)
  if (!config.flag('block_auto_adjust_ff_dim', true)) return size
  const adjusted = Math.trunc(factor * Math.trunc((2 * size) / 3))
  return multiple * Math.ceil(adjusted / multiple)
}

function readAttends(config: ConfigFields, layers: number): boolean[] {
  const types = config.layerTypes(layers, ['full_attention', 'conv'])
  const indexes = config.any('full_attn_idxs')
  if (types !== null) return types.map(type => type === 'full_attention')
  if (indexes !== null && !Array.isArray(indexes)) throw config.error('full_attn_idxs', 'must be a list of layers')
  return Array.from({ length: layers }, (_, layer) => indexes === null || indexes.includes(layer))
}

function buildLfm2(graph: GraphBuilder, weights: GraphWeights, c: Lfm2Config): void {
  const frame = new DecoderFrame(graph)
  const hybrid = hybridAttention(frame, c)
  const norms = new RmsNorms(frame, weights, c)
  let x = embedTokens(frame, weights, c) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}`
    const h = norms.over(`${at}.operator_norm`, x, c.width)
    const mixed =
      hybrid !== null && c.attends[layer] === true
        ? selfAttention(hybrid.attention, weights, h, {
            ...{ layer, at: `${at}.self_attn`, output: 'out_proj', width: c.width },
            ...{ heads: c.heads, kvHeads: c.kvHeads, headDim: c.headDim, window: null },
            ...{ scale: 1 / Math.sqrt(c.headDim), rotary: hybrid.rotary, bias: { qkv: false, output: false } },
            norm: (part, value) => norms.eachHead(`${at}.self_attn.${part}_layernorm`, value, c.headDim),
          })
        : shortConv(frame, weights, c, { layer, name: `${at}.conv`, x: h })
    x = graph.op('Add', [x, mixed])
    const mlp = gatedMlp(graph, weights, norms.over(`${at}.ffn_norm`, x, c.width), {
      ...{ gate: `${at}.feed_forward.w1`, up: `${at}.feed_forward.w3`, down: `${at}.feed_forward.w2` },
      ...{ width: c.width, inner: c.inner, activation: 'silu', bias: false },
    })
    x = graph.op('Add', [x, mlp])
  }
  toLogits(frame, weights, c, { x, norms, norm: 'model.embedding_norm' })
}

/** C · conv(B · x), the three from one projection. */
function shortConv(
  frame: DecoderFrame,
  weights: GraphWeights,
  c: Lfm2Config,
  at: { layer: number; name: string; x: Value },
): Value {
  const { graph } = frame
  const projected = weights.linear(at.x, `${at.name}.in_proj`, [3 * c.width, c.width], c.convBias)
  const parts = graph.split('Split', [projected], 3, { axis: 1, num_outputs: 3 })
  const [b = '', cOut = '', x = ''] = parts // [N, width] each
  const convolved = causalConv(frame, weights, frame.unflatten(graph.op('Mul', [b, x])), {
    ...{ layer: at.layer, name: `${at.name}.conv`, channels: c.width, kernel: c.kernel },
    ...{ bias: c.convBias, activation: 'linear' },
  })
  // A layer's recurrent state is a convolution's and a recurrence's; there is none here, and a zero goes through.
  const present = `present_ssm.${at.layer}`
  graph.op('Identity', [graph.input(`past_ssm.${at.layer}`, 'float32', ['batch', 1])], {}, present)
  graph.output(present, 'float32', ['batch', 1])
  const gated = graph.op('Mul', [cOut, frame.flatten(convolved, c.width)])
  return weights.linear(gated, `${at.name}.out_proj`, [c.width, c.width], c.convBias)
}
