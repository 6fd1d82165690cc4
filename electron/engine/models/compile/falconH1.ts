/** Falcon-H1 (TII 2025): attention and Mamba-2 side by side in every layer, their results added; multipliers everywhere. */

import { ACTIVATIONS, type Activation } from './activation.ts'
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { type DecoderShape, embedTokens, spareHead, toLogits } from './decoderEnds.ts'
import { DecoderFrame } from './decoderFrame.ts'
import { gatedMlp } from './gatedMlp.ts'
import type { GraphBuilder } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { hybridComponents, hybridGeometry } from './hybridLayers.ts'
import { KeyValueAttention } from './keyValueAttention.ts'
import { readHeads } from './llamaConfig.ts'
import { type Mamba2Shape, mamba2Channels, mamba2Mixer } from './mamba2Mixer.ts'
import { readMambaFields } from './mambaFields.ts'
import { RmsNorms } from './rmsNorms.ts'
import { type RopeConfig, readRope } from './ropeScaling.ts'
import { RotaryEmbeddings } from './rotary.ts'
import { selfAttention } from './selfAttention.ts'

interface FalconH1Config extends DecoderShape {
  readonly activation: Activation
  readonly bias: { readonly attention: boolean; readonly mlp: boolean }
  readonly rope: RopeConfig
  readonly mamba: Mamba2Shape
  readonly multipliers: {
    readonly embedding: number
    readonly logits: number
    readonly key: number
    readonly attentionIn: number
    readonly attentionOut: number
    readonly mambaIn: number
    readonly mambaOut: number
    readonly gate: number
    readonly down: number
  }
}

export const falconH1: Architecture = {
  prepare(config) {
    const c = readFalconH1(config)
    const { mamba } = c
    return {
      config: { ...c, rope: c.rope.position.parameters, mamba: { ...mamba, stepLimit: mamba.stepLimit.map(String) } },
      vocabSize: c.vocabSize,
      contextLength: c.rope.contextLength,
      geometry: hybridGeometry(c.layers, () => [
        { kind: 'kv', kvHeads: c.kvHeads, headDim: c.headDim },
        {
          kind: 'ssm',
          conv: [mamba2Channels(mamba), mamba.kernel - 1],
          ssm: [mamba.heads, mamba.headDim, mamba.state],
        },
      ]),
      position: c.rope.position,
      base: 'model.',
      unusedTensors: spareHead(c),
      components: hybridComponents(['self_attn', 'mamba'], {
        layer: 'input_layernorm|pre_ff_layernorm',
        final: 'final_layernorm',
      }),
      build: (graph, weights) => buildFalconH1(graph, weights, c),
    }
  },
}

/** Defaults are those of transformers' FalconH1Config. */
function readFalconH1(config: ConfigFields): FalconH1Config {
  const width = config.count('hidden_size', 4096)
  const headed = readHeads(config, width, { kvHeads: 8 })
  const contextLength = config.count('max_position_embeddings', 8192)
  const epsilon = config.number('rms_norm_eps', 1e-5)
  const activation = config.choice('hidden_act', ACTIVATIONS, 'silu')
  const own =
    config.given('mamba_d_ssm') && config.any('mamba_d_ssm') === null ? null : config.count('mamba_d_ssm', 1024)
  const mamba = readMambaFields(config, { width, inner: own, epsilon, activation })
  const first = config.flag('mamba_norm_before_gate', true)
  const normed = config.flag('mamba_rms_norm', false)
  const [gate = 1, down = 1] = config.numbers('mlp_multipliers', [1, 1])
  for (const name of ['num_logits_to_keep', 'mamba_use_mlp', 'attn_layer_indices', 'mlp_expansion_factor'])
    config.any(name)
  const parsed = {
    ...{ vocabSize: config.count('vocab_size', 128000), width, ...headed, epsilon, activation },
    layers: config.layers('num_hidden_layers', 32),
    inner: config.count('intermediate_size', 14336),
    bias: { attention: config.flag('attention_bias', false), mlp: config.flag('mlp_bias', false) },
    tied: config.flag('tie_word_embeddings', false),
    rope: readRope(config, { headDim: headed.headDim, contextLength }),
    mamba: {
      ...mamba,
      bias: { ...mamba.bias, output: config.flag('projectors_bias', false) },
      norm: normed ? (first ? 'before-gate' : 'gated') : 'none',
      multipliers: config.numbers('ssm_multipliers', [1, 1, 1, 1, 1]),
    },
    multipliers: {
      embedding: config.number('embedding_multiplier', 1),
      logits: config.number('lm_head_multiplier', 1),
      key: config.number('key_multiplier', 1),
      attentionIn: config.number('attention_in_multiplier', 1),
      attentionOut: config.number('attention_out_multiplier', 1),
      mambaIn: config.number('ssm_in_multiplier', 1),
      mambaOut: config.number('ssm_out_multiplier', 1),
      ...{ gate, down },
    },
  } satisfies FalconH1Config
  config.finish()
  return parsed
}

function buildFalconH1(graph: GraphBuilder, weights: GraphWeights, c: FalconH1Config): void {
  const frame = new DecoderFrame(graph)
  const attention = new KeyValueAttention(frame)
  const norms = new RmsNorms(frame, weights, c)
  const rotary = new RotaryEmbeddings(attention, c.rope.contextLength).of(c.rope)
  const by = c.multipliers
  let x = embedTokens(frame, weights, c, by.embedding) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}`
    const h = norms.over(`${at}.input_layernorm`, x, c.width)
    const recurrent = mamba2Mixer(frame, weights, c.mamba, {
      layer,
      name: `${at}.mamba`,
      x: graph.scale(h, by.mambaIn),
    })
    const attended = selfAttention(attention, weights, graph.scale(h, by.attentionIn), {
      ...{ layer, at: `${at}.self_attn`, width: c.width, heads: c.heads, kvHeads: c.kvHeads, headDim: c.headDim },
      ...{ window: null, scale: 1 / Math.sqrt(c.headDim), rotary, keyMultiplier: by.key },
      bias: { qkv: c.bias.attention, output: c.bias.attention },
    })
    const both = graph.op('Add', [graph.scale(recurrent, by.mambaOut), graph.scale(attended, by.attentionOut)])
    x = graph.op('Add', [x, both])
    const mlp = gatedMlp(graph, weights, norms.over(`${at}.pre_ff_layernorm`, x, c.width), {
      ...{ gate: `${at}.feed_forward.gate_proj`, up: `${at}.feed_forward.up_proj` },
      ...{ down: `${at}.feed_forward.down_proj`, width: c.width, inner: c.inner, activation: c.activation },
      ...{ bias: c.bias.mlp, gateMultiplier: by.gate },
    })
    x = graph.op('Add', [x, graph.scale(mlp, by.down)])
  }
  toLogits(frame, weights, c, { x, norms, norm: 'model.final_layernorm', multiplier: by.logits })
}
