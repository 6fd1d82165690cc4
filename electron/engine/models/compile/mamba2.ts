/** Mamba-2 (Dao & Gu 2024): state space duality; one decay per head, B and C shared by the heads of a group. */

import { ACTIVATIONS } from './activation.ts'
import type { Architecture } from './architecture.ts'
import type { ConfigFields } from './config.ts'
import { spareHead } from './decoderEnds.ts'
import { DecoderFrame, rmsNorm, vocabularyHead } from './decoderFrame.ts'
import type { GraphBuilder } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { embeddingName, MAMBA_COMPONENTS } from './mamba.ts'
import { type Mamba2Shape, mamba2Channels, mamba2Mixer, readStepLimit } from './mamba2Mixer.ts'

interface Mamba2Config extends Mamba2Shape {
  readonly vocabSize: number
  readonly layers: number
  readonly tied: boolean
}

export const mamba2: Architecture = {
  prepare(config) {
    const c = readMamba2(config)
    return {
      config: { ...c, stepLimit: c.stepLimit.map(limit => (Number.isFinite(limit) ? limit : null)) },
      vocabSize: c.vocabSize,
      contextLength: null,
      geometry: {
        kind: 'ssm',
        layers: c.layers,
        conv: [mamba2Channels(c), c.kernel - 1],
        ssm: [c.heads, c.headDim, c.state],
      },
      position: { scheme: 'none', parameters: {} },
      base: 'backbone.',
      unusedTensors: spareHead(c),
      components: MAMBA_COMPONENTS,
      build: (graph, weights) => buildMamba2(graph, weights, c),
    }
  },
}

/** Defaults are those of transformers' Mamba2Config. */
function readMamba2(config: ConfigFields): Mamba2Config {
  const width = config.count('hidden_size')
  const heads = config.count('num_heads', 128)
  const headDim = config.count('head_dim', 64)
  const groups = config.count('n_groups', 8)
  const inner = Math.trunc(config.number('expand', 2) * width)
  if (heads * headDim !== inner)
    throw config.error('num_heads', `x head_dim is ${heads * headDim}, expand x hidden_size is ${inner}`)
  if (heads % groups !== 0) throw config.error('n_groups', `is ${groups} and does not divide ${heads} heads`)
  config.agrees('intermediate_size', inner)
  config.must('rms_norm', true)
  config.any('time_step_rank') // of the first Mamba; the reference does not read it here
  config.any('norm_before_gate') // nor this: its gate always comes before the norm
  config.any('emb_initializer_range')
  const bias = config.flag('use_bias', false)
  const parsed = {
    vocabSize: config.count('vocab_size'),
    width,
    layers: config.layers('num_hidden_layers'),
    inner,
    heads,
    headDim,
    state: config.count('state_size', 128),
    groups,
    kernel: config.count('conv_kernel', 4),
    epsilon: config.number('layer_norm_epsilon', 1e-5),
    activation: config.choice('hidden_act', ACTIVATIONS, 'silu'),
    bias: { input: bias, output: bias, conv: config.flag('use_conv_bias', true) },
    tied: config.flag('tie_word_embeddings', false),
    stepLimit: readStepLimit(config),
    norm: 'gated',
    multipliers: null,
  } satisfies Mamba2Config
  config.finish()
  return parsed
}

function buildMamba2(graph: GraphBuilder, weights: GraphWeights, c: Mamba2Config): void {
  const frame = new DecoderFrame(graph)
  const table = embeddingName(weights)
  const embedded = weights.gather(table, [c.vocabSize, c.width], frame.inputIds) // [B, T, width]
  let x = frame.flatten(embedded, c.width) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const norm = weights.get(`backbone.layers.${layer}.norm.weight`, [c.width])
    const h = rmsNorm(graph, x, norm, c.epsilon)
    x = graph.op('Add', [x, mamba2Mixer(frame, weights, c, { layer, name: `backbone.layers.${layer}.mixer`, x: h })])
  }
  const norm = weights.get('backbone.norm_f.weight', [c.width])
  const last = rmsNorm(graph, frame.lastPositions(x, c.width), norm, c.epsilon)
  const head = c.tied ? table : 'lm_head.weight'
  vocabularyHead(frame, weights, { hidden: last, table: head, vocabSize: c.vocabSize, width: c.width })
}
