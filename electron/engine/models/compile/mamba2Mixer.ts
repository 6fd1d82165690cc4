/** The mixer of Mamba-2 (Dao & Gu 2024), alone in a layer or beside attention: one decay per head, B and C shared by a group. */
import { type Activation, silu } from './activation.ts'
import { causalConv } from './causalConv.ts'
import type { ConfigFields } from './config.ts'
import { type DecoderFrame, rmsNorm } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

export interface Mamba2Shape {
  readonly width: number
  readonly inner: number
  readonly heads: number
  readonly headDim: number
  readonly state: number
  readonly groups: number
  readonly kernel: number
  readonly epsilon: number
  readonly activation: Activation
  readonly bias: { readonly input: boolean; readonly output: boolean; readonly conv: boolean }
  readonly stepLimit: readonly [low: number, high: number]
  /** The norm before the way out: of the gated values, of the values before their gate, or none. */
  readonly norm: 'gated' | 'before-gate' | 'none'
  /** What the projection's parts (gate, u, B, C, step) are multiplied with; null: nothing. */
  readonly multipliers: readonly number[] | null
}

/** Channels that the short convolution runs over. */
export function mamba2Channels({ inner, groups, state }: Pick<Mamba2Shape, 'inner' | 'groups' | 'state'>): number {
  return inner + 2 * groups * state
}

/** `time_step_limit`: the lower and the upper bound of a step. */
export function readStepLimit(config: ConfigFields): [low: number, high: number] {
  const limit = config.any('time_step_limit') ?? [0, Number.POSITIVE_INFINITY]
  const [low, high] = Array.isArray(limit) ? limit : []
  if (typeof low !== 'number' || typeof high !== 'number' || !(low <= high)) {
    throw config.error('time_step_limit', 'must be two numbers, the lower first')
  }
  return [low, high]
}

/** `[N, width] -> [N, width]`; tensors under `at.name`, state of `at.layer`. */
export function mamba2Mixer(
  frame: DecoderFrame,
  weights: GraphWeights,
  c: Mamba2Shape,
  at: { layer: number; name: string; x: Value },
): Value {
  const { graph } = frame
  const { inner, heads, headDim, groups, state } = c
  const { name } = at
  const shared = groups * state
  const channels = mamba2Channels(c)
  const sizes = graph.int64([inner, channels, heads])
  const [gate = '', xbc0 = '', step = ''] = graph.split('Split', [projection(frame, weights, c, at), sizes], 3, {
    axis: 1,
  })
  const xbc = causalConv(frame, weights, frame.unflatten(xbc0), {
    layer: at.layer,
    name: `${name}.conv1d`,
    channels,
    kernel: c.kernel,
    bias: c.bias.conv,
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
  const gated = gateAndNorm(frame, weights, c, { y, gate, name: `${name}.norm.weight` })
  return weights.linear(gated, `${name}.out_proj`, [c.width, inner], c.bias.output)
}

/** Gate, convolution inputs and step of every token: `[N, inner + channels + heads]`. */
function projection(
  { graph }: DecoderFrame,
  weights: GraphWeights,
  c: Mamba2Shape,
  { name, x }: { name: string; x: Value },
): Value {
  const { inner, heads, groups, state } = c
  const width = inner + mamba2Channels(c) + heads
  const projected = weights.linear(x, `${name}.in_proj`, [width, c.width], c.bias.input)
  if (c.multipliers === null) return projected
  const sizes = [inner, inner, groups * state, groups * state, heads]
  const factors = sizes.flatMap((size, part) => Array.from({ length: size }, () => c.multipliers?.[part] ?? 1))
  return graph.op('Mul', [projected, graph.table('mixer.multipliers', [width], Float32Array.from(factors))])
}

/** softplus(step + bias), clamped to time_step_limit: [N, heads]. */
function timeStep(
  frame: DecoderFrame,
  weights: GraphWeights,
  c: Mamba2Shape,
  at: { name: string; step: Value },
): Value {
  const { graph } = frame
  const biased = graph.op('Add', [at.step, weights.get(`${at.name}.dt_bias`, [c.heads])])
  const dt = graph.op('Softplus', [biased])
  const [low, high] = c.stepLimit
  if (low <= 0 && high === Number.POSITIVE_INFINITY) return dt // softplus is never negative
  return graph.op('Clip', [dt, graph.float32(low), graph.float32(high)])
}

function gateAndNorm(
  frame: DecoderFrame,
  weights: GraphWeights,
  c: Mamba2Shape,
  { y, gate, name }: { y: Value; gate: Value; name: string },
): Value {
  const { graph } = frame
  const gated = (x: Value) => graph.op('Mul', [x, silu(graph, gate)])
  if (c.norm === 'none') return gated(y)
  const norm = (x: Value) => groupNorm(frame, c, x, weights.get(name, [c.inner]))
  return c.norm === 'gated' ? norm(gated(y)) : gated(norm(y))
}

/** RMS norm of each group's channels by themselves: `[N, inner]` -> the same, weight `[inner]`. */
function groupNorm(frame: DecoderFrame, c: Mamba2Shape, x: Value, weight: Value): Value {
  const { graph } = frame
  if (c.groups === 1) return rmsNorm(graph, x, weight, c.epsilon)
  const size = c.inner / c.groups
  const ones = graph.table(`ones_${size}`, [size], new Float32Array(size).fill(1))
  const normed = rmsNorm(graph, frame.reshape(x, [-1, size]), ones, c.epsilon)
  return graph.op('Mul', [frame.reshape(normed, [-1, c.inner]), weight])
}

/** `[B, T, groups·state] -> [B, T, heads·state]`, each group's vector given to its heads; one group is shared as it is. */
function repeatGroups(frame: DecoderFrame, c: Mamba2Shape, x: Value): Value {
  return c.groups === 1 ? x : repeatHeads(frame, x, { heads: c.groups, each: c.heads / c.groups, size: c.state })
}

/** `[B, T, heads·size] -> [B, T, heads·each·size]`: every head `each` times in a row. */
export function repeatHeads(
  frame: DecoderFrame,
  x: Value,
  { heads, each, size }: { heads: number; each: number; size: number },
): Value {
  if (each === 1) return x
  const { graph } = frame
  const apart = frame.unflattenTo(x, [heads, 1, size])
  const repeated = graph.op('Expand', [apart, graph.int64([1, 1, heads, each, size])])
  return frame.unflattenTo(repeated, [heads * each * size])
}
