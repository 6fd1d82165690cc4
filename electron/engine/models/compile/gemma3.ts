/** Gemma 3, text (2025): norms around attention and MLP, most layers with a window and shorter waves, scaled embeddings. */
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { prepareLlama } from './llama.ts'
import { readLlamaConfig } from './llamaConfig.ts'
import { readRope } from './ropeScaling.ts'

export const gemma3: Architecture = {
  prepare: config =>
    prepareLlama(
      readLlamaConfig(config, {
        norms: 'both',
        centredNorms: true,
        queryKeyNorm: 'head',
        bias: fields => {
          const attention = fields.flag('attention_bias', false)
          return { qkv: attention, output: attention, mlp: false }
        },
        windows: (fields, layers) => {
          const size = fields.any('sliding_window') === null ? 4096 : fields.count('sliding_window')
          return slidingLayers(fields, layers).map(sliding => (sliding ? size : null))
        },
        ropes,
        traits: (fields, { width }) => {
          fields.must('use_bidirectional_attention', false)
          fields.must('attn_logit_softcapping')
          const cap = fields.any('final_logit_softcapping')
          return {
            scale: 1 / Math.sqrt(fields.positive('query_pre_attn_scalar', 256)),
            embeddingMultiplier: Math.sqrt(width),
            logitsSoftcap: cap === null ? null : fields.positive('final_logit_softcapping'),
          }
        },
        defaults: {
          ...{ vocabSize: 262208, width: 2304, inner: 9216, layers: 26, contextLength: 131072, tied: true },
          ...{ heads: 8, kvHeads: 4, headDim: 256 },
          activation: { field: 'hidden_activation', value: 'gelu_pytorch_tanh' },
        },
      }),
    ),
}

function slidingLayers(config: ConfigFields, layers: number): boolean[] {
  const types = config.layerTypes(layers, ['full_attention', 'sliding_attention'])
  const pattern = config.count('sliding_window_pattern', 6)
  if (types !== null) return types.map(type => type === 'sliding_attention')
  return Array.from({ length: layers }, (_, layer) => (layer + 1) % pattern !== 0)
}

/** Today one setting for each kind of layer; before, `rope_scaling` and `rope_theta` were for the layers without a window. */
function ropes(config: ConfigFields, shape: { layers: number; headDim: number; contextLength: number }) {
  const kinds = config.object('rope_parameters')
  const full = readRope(
    config,
    { ...shape, theta: 1_000_000 },
    {
      modern: kinds?.any('full_attention') ?? null,
      legacy: config.any('rope_scaling'),
      thetaName: 'rope_theta',
    },
  )
  const sliding = readRope(
    config,
    { ...shape, theta: 10_000 },
    { modern: kinds?.any('sliding_attention') ?? null, legacy: null, thetaName: 'rope_local_base_freq' },
  )
  kinds?.finish()
  const local = Object.entries(sliding.position.parameters).map(([name, value]) => [`local_${name}`, value])
  return {
    ropes: slidingLayers(config, shape.layers).map(each => (each ? sliding : full)),
    position: {
      scheme: 'rotary' as const,
      parameters: { ...full.position.parameters, ...Object.fromEntries(local) },
    },
  }
}
