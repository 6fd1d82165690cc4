/** Granite 4 hybrids without experts (IBM 2025): Mamba-2 in most layers, attention in a few, Granite's multipliers. */
import { ACTIVATIONS, type Activation } from './activation.ts'
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { type DecoderShape, embedTokens, spareHead, toLogits } from './decoderEnds.ts'
import { DecoderFrame } from './decoderFrame.ts'
import { gatedMlp } from './gatedMlp.ts'
import { graniteMultipliers } from './granite.ts'
import type { GraphBuilder } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { hybridAttention, hybridComponents, hybridGeometry } from './hybridLayers.ts'
import { type LlamaConfig, readHeads } from './llamaConfig.ts'
import { type Mamba2Shape, mamba2Channels, mamba2Mixer } from './mamba2Mixer.ts'
import { readMambaFields } from './mambaFields.ts'
import { RmsNorms } from './rmsNorms.ts'
import { type RopeConfig, readRope } from './ropeScaling.ts'
import { selfAttention } from './selfAttention.ts'

interface GraniteHybridConfig
  extends DecoderShape,
    Pick<LlamaConfig, 'scale' | 'embeddingMultiplier' | 'residualMultiplier' | 'logitsMultiplier'> {
  readonly contextLength: number
  readonly activation: Activation
  readonly bias: boolean
  /** null: attention does not know of positions. */
  readonly rope: RopeConfig | null
  readonly mamba: Mamba2Shape
  /** For each layer, whether it is attention. */
  readonly attends: readonly boolean[]
}

export const graniteHybrid: Architecture = {
  prepare(config) {
    const c = readGraniteHybrid(config)
    const { mamba } = c
    const conv = [mamba2Channels(mamba), mamba.kernel - 1] as const
    return {
      config: {
        ...{ ...c, rope: c.rope?.position.parameters ?? null },
        mamba: { ...mamba, stepLimit: mamba.stepLimit.map(String) },
      },
      vocabSize: c.vocabSize,
      contextLength: c.contextLength,
      geometry: hybridGeometry(c.layers, layer => [
        c.attends[layer] === true
          ? { kind: 'kv', kvHeads: c.kvHeads, headDim: c.headDim }
          : { kind: 'ssm', conv, ssm: [mamba.heads, mamba.headDim, mamba.state] },
      ]),
      position: c.rope?.position ?? { scheme: 'none', parameters: {} },
      base: 'model.',
      unusedTensors: spareHead(c),
      components: hybridComponents(['self_attn', 'mamba'], {
        layer: 'input_layernorm|post_attention_layernorm',
        final: 'norm',
      }),
      build: (graph, weights) => buildGraniteHybrid(graph, weights, c),
    }
  },
}

/** Defaults are those of transformers' GraniteMoeHybridConfig, except that experts are refused. */
function readGraniteHybrid(config: ConfigFields): GraniteHybridConfig {
  const width = config.count('hidden_size', 4096)
  const layers = config.layers('num_hidden_layers', 32)
  const headed = readHeads(config, width, {})
  const length = config.count('max_position_embeddings', 2048)
  const epsilon = config.number('rms_norm_eps', 1e-6)
  const activation = config.choice('hidden_act', ACTIVATIONS, 'silu')
  if (config.number('num_local_experts', 8) !== 0) {
    throw config.error('num_local_experts', 'is not 0: models with experts are not supported')
  }
  for (const name of ['num_experts_per_tok', 'output_router_logits', 'router_aux_loss_coef']) config.any(name)
  config.any('intermediate_size') // of the experts
  config.must('normalization_function', 'rmsnorm')
  const kind = config.choice('position_embedding_type', ['rope', 'nope'], 'nope')
  const settings = readRope(config, { headDim: headed.headDim, contextLength: length })
  const rope = kind === 'rope' ? settings : null
  const parsed = {
    ...{ vocabSize: config.count('vocab_size', 32000), width, layers, ...headed, epsilon, activation },
    contextLength: rope?.contextLength ?? length,
    inner: config.count('shared_intermediate_size', 1024),
    bias: config.flag('attention_bias', false),
    tied: config.flag('tie_word_embeddings', false),
    rope,
    mamba: {
      ...readMambaFields(config, { width, inner: null, epsilon, activation }),
      ...{ norm: 'gated', multipliers: null },
    },
    attends: readAttends(config, layers),
    ...graniteMultipliers(config),
  } satisfies GraniteHybridConfig
  config.finish()
  return parsed
}

/** `layer_types`, which older files call `layers_block_type`, and its kinds `mamba` and `attention`. */
function readAttends(config: ConfigFields, layers: number): boolean[] {
  const choices = ['full_attention', 'linear_attention', 'attention', 'mamba'] as const
  const [types, older] = [config.layerTypes(layers, choices), config.layerTypes(layers, choices, 'layers_block_type')]
  const list = types ?? older ?? Array.from({ length: layers }, () => 'mamba' as const)
  return list.map(type => type.endsWith('attention') && type !== 'linear_attention')
}

function buildGraniteHybrid(graph: GraphBuilder, weights: GraphWeights, c: GraniteHybridConfig): void {
  const frame = new DecoderFrame(graph)
  const hybrid = hybridAttention(frame, c)
  const norms = new RmsNorms(frame, weights, c)
  let x = embedTokens(frame, weights, c, c.embeddingMultiplier) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}`
    const h = norms.over(`${at}.input_layernorm`, x, c.width)
    const mixed =
      hybrid !== null && c.attends[layer] === true
        ? selfAttention(hybrid.attention, weights, h, {
            ...{ layer, at: `${at}.self_attn`, width: c.width, heads: c.heads, kvHeads: c.kvHeads, headDim: c.headDim },
            ...{ window: null, scale: c.scale, rotary: hybrid.rotary, bias: { qkv: c.bias, output: c.bias } },
          })
        : mamba2Mixer(frame, weights, c.mamba, { layer, name: `${at}.mamba`, x: h })
    x = graph.op('Add', [x, graph.scale(mixed, c.residualMultiplier)])
    // One joined projection, which GGUF files keep apart.
    const apart = weights.has(`${at}.shared_mlp.gate_proj.weight`)
    const input = (part: string) => `${at}.shared_mlp.${apart ? part : 'input_linear'}`
    const mlp = gatedMlp(graph, weights, norms.over(`${at}.post_attention_layernorm`, x, c.width), {
      ...{ gate: input('gate_proj'), up: input('up_proj'), down: `${at}.shared_mlp.output_linear` },
      ...{ width: c.width, inner: c.inner, activation: c.activation, bias: false },
    })
    x = graph.op('Add', [x, graph.scale(mlp, c.residualMultiplier)])
  }
  toLogits(frame, weights, c, { x, norms, norm: 'model.norm', multiplier: c.logitsMultiplier })
}
