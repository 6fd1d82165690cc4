/** Qwen3.5, text (2026): gated delta rule in most layers, gated attention in every fourth. */
import { ACTIVATIONS, type Activation } from './activation.ts'
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { type DecoderShape, embedTokens, toLogits } from './decoderEnds.ts'
import { DecoderFrame } from './decoderFrame.ts'
import { deltaChannels, type GatedDeltaShape, gatedDelta } from './gatedDelta.ts'
import { gatedMlp } from './gatedMlp.ts'
import type { GraphBuilder } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { hybridAttention, hybridComponents, hybridGeometry } from './hybridLayers.ts'
import { readHeads } from './llamaConfig.ts'
import { RmsNorms } from './rmsNorms.ts'
import { type RopeConfig, readRope } from './ropeScaling.ts'
import { selfAttention } from './selfAttention.ts'

interface Qwen35Config extends DecoderShape {
  readonly activation: Activation
  readonly bias: boolean
  readonly rope: RopeConfig
  readonly delta: GatedDeltaShape
  /** For each layer, whether it is attention. */
  readonly attends: readonly boolean[]
}

export const qwen35: Architecture = {
  prepare(config) {
    const c = readQwen35(config)
    const { delta } = c
    return {
      config: { ...c, rope: c.rope.position.parameters },
      vocabSize: c.vocabSize,
      contextLength: c.rope.contextLength,
      geometry: hybridGeometry(c.layers, layer => [
        c.attends[layer] === true
          ? { kind: 'kv', kvHeads: c.kvHeads, headDim: c.headDim }
          : {
              kind: 'ssm',
              conv: [deltaChannels(delta), delta.kernel - 1],
              ssm: [delta.valueHeads, delta.keyDim, delta.valueDim],
            },
      ]),
      position: c.rope.position,
      base: 'model.',
      // Layers that predict a second token ahead, which the reference leaves out, too.
      unusedTensors: c.tied ? /^mtp\.|^lm_head\.weight$/ : /^mtp\./,
      components: hybridComponents(['self_attn', 'linear_attn'], {
        layer: 'input_layernorm|post_attention_layernorm',
        final: 'norm',
      }),
      build: (graph, weights) => buildQwen35(graph, weights, c),
    }
  },
}

/** Defaults are those of transformers' Qwen3_5TextConfig. */
function readQwen35(config: ConfigFields): Qwen35Config {
  const width = config.count('hidden_size', 4096)
  const layers = config.layers('num_hidden_layers', 32)
  const headed = readHeads(config, width, { heads: 16, kvHeads: 4, headDim: 256 })
  const contextLength = config.count('max_position_embeddings', 32768)
  const epsilon = config.number('rms_norm_eps', 1e-6)
  const activation = config.choice('hidden_act', ACTIVATIONS, 'silu')
  config.must('attn_output_gate', true)
  const others = ['mtp_num_hidden_layers', 'mtp_use_dedicated_embeddings', 'mamba_ssm_dtype', 'mlp_only_layers']
  for (const name of others) config.any(name)
  const parsed = {
    ...{ vocabSize: config.count('vocab_size', 248320), width, layers, ...headed, epsilon, activation },
    inner: config.count('intermediate_size', 12288),
    bias: config.flag('attention_bias', false),
    tied: config.flag('tie_word_embeddings', false),
    rope: readRope(config, { headDim: headed.headDim, contextLength, partial: 0.25, sections: true }),
    delta: {
      ...{ width, epsilon, activation },
      keyHeads: config.count('linear_num_key_heads', 16),
      valueHeads: config.count('linear_num_value_heads', 32),
      keyDim: config.count('linear_key_head_dim', 128),
      valueDim: config.count('linear_value_head_dim', 128),
      kernel: config.count('linear_conv_kernel_dim', 4),
      // Not of the hub: what stands for a GGUF file's metadata says it.
      tiled: config.flag('linear_value_heads_tiled', false),
    },
    attends: readAttends(config, layers),
  } satisfies Qwen35Config
  const { keyHeads, valueHeads } = parsed.delta
  if (valueHeads % keyHeads !== 0) {
    throw config.error('linear_num_key_heads', `is ${keyHeads} and does not divide ${valueHeads} value heads`)
  }
  config.finish()
  return parsed
}

function readAttends(config: ConfigFields, layers: number): boolean[] {
  const types = config.layerTypes(layers, ['full_attention', 'linear_attention'])
  const interval = config.count('full_attention_interval', 4)
  if (types !== null) return types.map(type => type === 'full_attention')
  return Array.from({ length: layers }, (_, layer) => (layer + 1) % interval === 0)
}

function buildQwen35(graph: GraphBuilder, weights: GraphWeights, c: Qwen35Config): void {
  const frame = new DecoderFrame(graph)
  const hybrid = hybridAttention(frame, c)
  const norms = new RmsNorms(frame, weights, { epsilon: c.epsilon, centred: true })
  let x = embedTokens(frame, weights, c) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}`
    const h = norms.over(`${at}.input_layernorm`, x, c.width)
    const mixed =
      hybrid !== null && c.attends[layer] === true
        ? selfAttention(hybrid.attention, weights, h, {
            ...{ layer, at: `${at}.self_attn`, width: c.width, heads: c.heads, kvHeads: c.kvHeads, headDim: c.headDim },
            ...{ window: null, scale: 1 / Math.sqrt(c.headDim), rotary: hybrid.rotary, gated: true },
            bias: { qkv: c.bias, output: c.bias },
            norm: (part, value) => norms.eachHead(`${at}.self_attn.${part}_norm`, value, c.headDim),
          })
        : gatedDelta(frame, weights, c.delta, { layer, name: `${at}.linear_attn`, x: h })
    x = graph.op('Add', [x, mixed])
    const mlp = gatedMlp(graph, weights, norms.over(`${at}.post_attention_layernorm`, x, c.width), {
      ...{ gate: `${at}.mlp.gate_proj`, up: `${at}.mlp.up_proj`, down: `${at}.mlp.down_proj` },
      ...{ width: c.width, inner: c.inner, activation: c.activation, bias: false },
    })
    x = graph.op('Add', [x, mlp])
  }
  toLogits(frame, weights, c, { x, norms, norm: 'model.norm' })
}
