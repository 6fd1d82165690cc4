/** Mamba (Gu & Dao 2023): a selective state space per channel, with a short convolution before it. */

import { ACTIVATIONS, type Activation, silu } from './activation.ts'
import type { Architecture } from './architecture.ts'
import { causalConv } from './causalConv.ts'
import type { ConfigFields } from './config.ts'
import { spareHead } from './decoderEnds.ts'
import { DecoderFrame, rmsNorm, vocabularyHead } from './decoderFrame.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

interface MambaConfig {
  readonly vocabSize: number
  readonly width: number
  readonly layers: number
  readonly inner: number
  readonly state: number
  readonly kernel: number
  readonly rank: number
  readonly epsilon: number
  readonly activation: Activation
  readonly bias: boolean
  readonly convBias: boolean
  readonly tied: boolean
}

export const mamba: Architecture = {
  prepare(config) {
    const c = readMamba(config)
    return {
      config: { ...c },
      vocabSize: c.vocabSize,
      contextLength: null,
      geometry: { kind: 'ssm', layers: c.layers, conv: [c.inner, c.kernel - 1], ssm: [c.inner, c.state] },
      position: { scheme: 'none', parameters: {} },
      base: 'backbone.',
      unusedTensors: spareHead(c),
      components: MAMBA_COMPONENTS,
      build: (graph, weights) => buildMamba(graph, weights, c),
    }
  },
}

/** The names both Mamba generations use. */
export const MAMBA_COMPONENTS = {
  embeddings: ['backbone.embeddings.weight', 'backbone.embedding.weight'],
  norm: /^backbone\.(?:layers\.(\d+)\.norm|norm_f)\./,
  mixer: /^backbone\.layers\.(\d+)\.mixer\./,
}

/** The original code's files call the table `embedding`; transformers reads both. */
export function embeddingName(weights: GraphWeights): string {
  const original = 'backbone.embedding.weight'
  return weights.has(original) ? original : 'backbone.embeddings.weight'
}

/** Defaults are those of transformers' MambaConfig; hub files also carry the original code's names for the same sizes. */
function readMamba(config: ConfigFields): MambaConfig {
  const width = config.count('hidden_size')
  const layers = config.layers('num_hidden_layers')
  const inner = Math.trunc(config.number('expand', 2) * width)
  config.agrees('intermediate_size', inner)
  config.agrees('d_inner', inner)
  config.agrees('d_model', width)
  config.agrees('n_layer', layers)
  config.must('rms_norm', true)
  const original = config.object('ssm_cfg')
  const parsed = {
    vocabSize: config.count('vocab_size'),
    width,
    layers,
    inner,
    state: config.count('state_size', 16),
    kernel: config.count('conv_kernel', 4),
    rank:
      config.any('time_step_rank') === 'auto'
        ? Math.ceil(width / 16)
        : config.count('time_step_rank', Math.ceil(width / 16)),
    epsilon: config.number('layer_norm_epsilon', 1e-5),
    activation: config.choice('hidden_act', ACTIVATIONS, 'silu'),
    bias: config.flag('use_bias', false),
    convBias: config.flag('use_conv_bias', true),
    tied: config.flag('tie_word_embeddings', true),
  } satisfies MambaConfig
  original?.finish()
  config.finish()
  return parsed
}

function buildMamba(graph: GraphBuilder, weights: GraphWeights, c: MambaConfig): void {
  const frame = new DecoderFrame(graph)
  const table = embeddingName(weights)
  const embedded = weights.gather(table, [c.vocabSize, c.width], frame.inputIds) // [B, T, width]
  let x = frame.flatten(embedded, c.width) // [N, width]
  for (let layer = 0; layer < c.layers; layer++) {
    const norm = weights.get(`backbone.layers.${layer}.norm.weight`, [c.width])
    x = graph.op('Add', [x, mixer(frame, weights, c, { layer, x: rmsNorm(graph, x, norm, c.epsilon) })])
  }
  const norm = weights.get('backbone.norm_f.weight', [c.width])
  const last = rmsNorm(graph, frame.lastPositions(x, c.width), norm, c.epsilon)
  const head = c.tied ? table : 'lm_head.weight'
  vocabularyHead(frame, weights, { hidden: last, table: head, vocabSize: c.vocabSize, width: c.width })
}

function mixer(frame: DecoderFrame, weights: GraphWeights, c: MambaConfig, at: { layer: number; x: Value }): Value {
  const { graph } = frame
  const { inner, state, rank } = c
  const name = `backbone.layers.${at.layer}.mixer`
  const projected = weights.linear(at.x, `${name}.in_proj`, [2 * inner, c.width], c.bias) // [N, 2·inner]
  const [u0 = '', gate = ''] = graph.split('Split', [projected, graph.int64([inner, inner])], 2, { axis: 1 })
  const u = causalConv(frame, weights, frame.unflatten(u0), {
    layer: at.layer,
    name: `${name}.conv1d`,
    channels: inner,
    kernel: c.kernel,
    bias: c.convBias,
    activation: c.activation,
  }) // [B, T, inner]
  const flat = frame.flatten(u, inner)
  const selected = weights.linear(flat, `${name}.x_proj`, [rank + 2 * state, inner], false) // [N, rank + 2·state]
  const parts = graph.split('Split', [selected, graph.int64([rank, state, state])], 3, { axis: 1 })
  const [step = '', b = '', cOut = ''] = parts
  const dt = graph.op('Softplus', [weights.linear(step, `${name}.dt_proj`, [inner, rank], true)]) // [N, inner]
  const logA = weights.get(`${name}.A_log`, [inner, state])
  const a = graph.op('Neg', [graph.op('Exp', [logA])]) // [inner, state]
  // h_t = exp(dt A) h_{t-1} + (dt u) B; y_t = C h_t, for each channel: heads = channels, keys B, queries C.
  const decay = graph.op('Mul', [frame.unflattenTo(dt, [inner, 1]), a]) // [B, T, inner, state]
  const value = frame.unflatten(graph.op('Mul', [dt, flat])) // [B, T, inner]
  const past = graph.input(`past_ssm.${at.layer}`, 'float32', ['batch', inner, state])
  const present = `present_ssm.${at.layer}`
  const scanned = graph.name('scan')
  const presentState = graph.name('state')
  graph.node(
    'LinearAttention',
    [
      frame.unflatten(cOut),
      frame.unflatten(b),
      value,
      graph.op('Unsqueeze', [past, graph.int64([3])]), // [B, inner, state, 1]
      frame.unflattenTo(decay, [inner * state]),
    ],
    [scanned, presentState],
    { update_rule: 'gated', scale: { float: 1 }, q_num_heads: 1, kv_num_heads: inner },
  )
  graph.op('Squeeze', [presentState, graph.int64([3])], {}, present)
  graph.output(present, 'float32', ['batch', inner, state])
  const skip = graph.op('Mul', [flat, weights.get(`${name}.D`, [inner])])
  const y = graph.op('Add', [frame.flatten(scanned, inner), skip]) // [N, inner]
  const gated = graph.op('Mul', [y, silu(graph, gate)])
  return weights.linear(gated, `${name}.out_proj`, [c.width, inner], c.bias)
}
