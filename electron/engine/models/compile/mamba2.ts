/** Mamba-2 (Dao & Gu 2024): state space duality; one decay per head, B and C shared by the heads of a group. */

import { ACTIVATIONS, type Activation, silu } from './activation.ts'
import type { Architecture } from './architecture.ts'
import { causalConv } from './causalConv.ts'
import type { ConfigFields } from './config.ts'
import { DecoderFrame, rmsNorm, vocabularyHead } from './decoderFrame.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { embeddingName, MAMBA_COMPONENTS } from './mamba.ts'

interface Mamba2Config {
  readonly vocabSize: number
  readonly width: number
  readonly layers: number
  readonly inner: number
  readonly heads: number
  readonly headDim: number
  readonly state: number
  readonly groups: number
  readonly kernel: number
  readonly epsilon: number
  readonly activation: Activation
  readonly bias: boolean
  readonly convBias: boolean
  readonly tied: boolean
  readonly stepLimit: readonly [low: number, high: number]
}

export const mamba2: Architecture = {
  prepare(config) {
    const c = readMamba2(config)
    const channels = c.inner + 2 * c.groups * c.state
    return {
      config: { ...c, stepLimit: c.stepLimit.map(limit => (Number.isFinite(limit) ? limit : null)) },
      vocabSize: c.vocabSize,
      contextLength: null,
      geometry: { kind: 'ssm', layers: c.layers, conv: [channels, c.kernel - 1], ssm: [c.heads, c.headDim, c.state] },
      position: { scheme: 'none', parameters: {} },
      prefix: '',
      unusedTensors: c.tied ? ['lm_head.weight'] : [],
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
  const limit = config.any('time_step_limit') ?? [0, Number.POSITIVE_INFINITY]
  const [low, high] = Array.isArray(limit) ? limit : []
  if (typeof low !== 'number' || typeof high !== 'number' || !(low <= high)) {
    throw config.error('time_step_limit', 'must be two numbers, the lower first')
  }
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
    bias: config.flag('use_bias', false),
    convBias: config.flag('use_conv_bias', true),
    tied: config.flag('tie_word_embeddings', false),
    stepLimit: [low, high],
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
    x = graph.op('Add', [x, mixer(frame, weights, c, { layer, x: rmsNorm(graph, x, norm, c.epsilon) })])
  }
  const norm = weights.get('backbone.norm_f.weight', [c.width])
  const last = rmsNorm(graph, frame.lastPositions(x, c.width), norm, c.epsilon)
  const head = c.tied ? table : 'lm_head.weight'
  vocabularyHead(frame, weights, { hidden: last, table: head, vocabSize: c.vocabSize, width: c.width })
}

function mixer(frame: DecoderFrame, weights: GraphWeights, c: Mamba2Config, at: { layer: number; x: Value }): Value {
  const { graph } = frame
  const { inner, heads, headDim, groups, state } = c
  const name = `backbone.layers.${at.layer}.mixer`
  const shared = groups * state
  const channels = inner + 2 * shared
  const projected = weights.linear(at.x, `${name}.in_proj`, [inner + channels + heads, c.width], c.bias)
  const [gate = '', xbc0 = '', step = ''] = graph.split(
    'Split',
    [projected, graph.int64([inner, channels, heads])],
    3,
    { axis: 1 },
  )
  const xbc = causalConv(frame, weights, frame.unflatten(xbc0), {
    layer: at.layer,
    name: `${name}.conv1d`,
    channels,
    kernel: c.kernel,
    bias: c.convBias,
    activation: c.activation,
  }) // [B, T, inner + 2·groups·state]
  const [u = '', b = '', cOut = ''] = graph.split('Split', [xbc, graph.int64([inner, shared, shared])], 3, { axis: 2 })
  const dt = timeStep(frame, weights, c, { name, step }) // [N, heads]
  const a = graph.op('Neg', [graph.op('Exp', [weights.get(`${name}.A_log`, [heads])])]) // [heads]
  // h_t = exp(dt A) h_{t-1} + B (dt u)ᵀ; y_t = C h_t + D u, h [state, headDim] per head.
  const perHead = frame.unflattenTo(u, [heads, headDim]) // [B, T, heads, headDim]
  const value = graph.op('Mul', [perHead, frame.unflattenTo(dt, [heads, 1])])
  const dims = ['batch', heads, headDim, state]
  const past = graph.input(`past_ssm.${at.layer}`, 'float32', dims)
  const present = `present_ssm.${at.layer}`
  const scanned = graph.name('scan')
  const presentState = graph.name('state')
  graph.node(
    'LinearAttention',
    [
      repeatGroups(frame, c, cOut),
      repeatGroups(frame, c, b),
      frame.unflattenTo(value, [inner]),
      graph.op('Transpose', [past], { perm: [0, 1, 3, 2] }), // [B, heads, state, headDim]
      frame.unflatten(graph.op('Mul', [dt, a])),
    ],
    [scanned, presentState],
    { update_rule: 'gated', scale: { float: 1 }, q_num_heads: groups === 1 ? 1 : heads, kv_num_heads: heads },
  )
  graph.op('Transpose', [presentState], { perm: [0, 1, 3, 2] }, present)
  graph.output(present, 'float32', dims)
  const d = graph.op('Unsqueeze', [weights.get(`${name}.D`, [heads]), graph.int64([1])]) // [heads, 1]
  const skip = frame.flatten(graph.op('Mul', [perHead, d]), inner)
  const y = graph.op('Add', [frame.flatten(scanned, inner), skip]) // [N, inner]
  const gated = graph.op('Mul', [y, silu(graph, gate)])
  const normed = groupNorm(frame, c, gated, weights.get(`${name}.norm.weight`, [inner]))
  return weights.linear(normed, `${name}.out_proj`, [c.width, inner], c.bias)
}

/** softplus(step + bias), clamped to time_step_limit: [N, heads]. */
function timeStep(
  frame: DecoderFrame,
  weights: GraphWeights,
  c: Mamba2Config,
  at: { name: string; step: Value },
): Value {
  const { graph } = frame
  const biased = graph.op('Add', [at.step, weights.get(`${at.name}.dt_bias`, [c.heads])])
  const dt = graph.op('Softplus', [biased])
  const [low, high] = c.stepLimit
  if (low <= 0 && high === Number.POSITIVE_INFINITY) return dt // softplus is never negative
  return graph.op('Clip', [dt, graph.float32(low), graph.float32(high)])
}

/** RMS norm of each group's channels by themselves: `[N, inner]` -> the same, weight `[inner]`. */
function groupNorm(frame: DecoderFrame, c: Mamba2Config, x: Value, weight: Value): Value {
  const { graph } = frame
  if (c.groups === 1) return rmsNorm(graph, x, weight, c.epsilon)
  const size = c.inner / c.groups
  const ones = graph.table(`ones_${size}`, [size], new Float32Array(size).fill(1))
  const perGroup = graph.op('Reshape', [x, graph.int64([-1, size])])
  const normed = rmsNorm(graph, perGroup, ones, c.epsilon)
  return graph.op('Mul', [graph.op('Reshape', [normed, graph.int64([-1, c.inner])]), weight])
}

/** `[B, T, groups·state] -> [B, T, heads·state]`, each group's vector given to its heads; one group is shared as it is. */
function repeatGroups(frame: DecoderFrame, c: Mamba2Config, x: Value): Value {
  if (c.groups === 1 || c.groups === c.heads) return x
  const { graph } = frame
  const perGroup = frame.unflattenTo(x, [c.groups, 1, c.state])
  const repeated = graph.op('Expand', [perGroup, graph.int64([1, 1, c.groups, c.heads / c.groups, c.state])])
  return frame.unflattenTo(repeated, [c.heads * c.state])
}
