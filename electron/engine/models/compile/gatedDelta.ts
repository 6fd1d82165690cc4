/** The gated delta rule (Yang et al. 2024): a memory that fades, and that a token corrects towards its value at its key. */
import { type Activation, silu } from './activation.ts'
import { causalConv } from './causalConv.ts'
import { type DecoderFrame, rmsNorm } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'
import { repeatHeads } from './mamba2Mixer.ts'

export interface GatedDeltaShape {
  readonly width: number
  readonly keyHeads: number
  readonly valueHeads: number
  readonly keyDim: number
  readonly valueDim: number
  readonly kernel: number
  readonly epsilon: number
  readonly activation: Activation
  /** Value head v takes the key head v mod keyHeads, as llama.cpp lays them out; else the key head ⌊v · keyHeads / valueHeads⌋. */
  readonly tiled: boolean
}

/** Channels that the short convolution runs over: queries, keys and values. */
export function deltaChannels({ keyHeads, valueHeads, keyDim, valueDim }: GatedDeltaShape): number {
  return 2 * keyHeads * keyDim + valueHeads * valueDim
}

/**
 * S_t = a S_{t-1} + β k (v - aᵀS_{t-1} k)ᵀ and y_t = S_tᵀ q, for every value head, with q and k of length one:
 * `[N, width] -> [N, width]`; tensors under `at.name`, state `[valueHeads, keyDim, valueDim]` of `at.layer`.
 */
export function gatedDelta(
  frame: DecoderFrame,
  weights: GraphWeights,
  c: GatedDeltaShape,
  at: { layer: number; name: string; x: Value },
): Value {
  const { graph } = frame
  const { valueHeads, keyDim, valueDim } = c
  const { name, x } = at
  const [keys, values, channels] = [c.keyHeads * keyDim, valueHeads * valueDim, deltaChannels(c)]
  const linear = (part: string, size: number): Value => weights.linear(x, `${name}.${part}`, [size, c.width], false)
  const mixed = causalConv(frame, weights, frame.unflatten(linear('in_proj_qkv', channels)), {
    ...{ layer: at.layer, name: `${name}.conv1d`, channels, kernel: c.kernel, bias: false, activation: c.activation },
  }) // [B, T, 2·keys + values]
  const [q = '', k = '', v = ''] = graph.split('Split', [mixed, graph.int64([keys, keys, values])], 3, { axis: 2 })
  const perHead = (part: Value) => {
    const [unit, each] = [unitLength(frame, c, part), valueHeads / c.keyHeads]
    if (!c.tiled) return repeatHeads(frame, unit, { heads: c.keyHeads, each, size: keyDim })
    return graph.op('Concat', Array<Value>(each).fill(unit), { axis: 2 })
  }
  const dims = ['batch', valueHeads, keyDim, valueDim]
  const past = graph.input(`past_ssm.${at.layer}`, 'float32', dims)
  const present = `present_ssm.${at.layer}`
  const scanned = graph.name('scan')
  graph.node(
    'LinearAttention',
    [
      ...[perHead(q), perHead(k), v, past],
      frame.unflatten(decay(frame, weights, { name, step: linear('in_proj_a', valueHeads), heads: valueHeads })),
      frame.unflatten(graph.op('Sigmoid', [linear('in_proj_b', valueHeads)])),
    ],
    [scanned, present],
    {
      update_rule: 'gated_delta',
      scale: { float: 1 / Math.sqrt(keyDim) },
      q_num_heads: valueHeads,
      kv_num_heads: valueHeads,
    },
  )
  graph.output(present, 'float32', dims)
  const normed = rmsNorm(
    graph,
    frame.reshape(scanned, [-1, valueDim]),
    weights.get(`${name}.norm.weight`, [valueDim]),
    c.epsilon,
  )
  const gated = graph.op('Mul', [frame.reshape(normed, [-1, values]), silu(graph, linear('in_proj_z', values))])
  return weights.linear(gated, `${name}.out_proj`, [c.width, values], false)
}

/** Every head divided by its length: x / √(Σx² + 10⁻⁶), `[B, T, keyHeads·keyDim]` -> the same. */
function unitLength(frame: DecoderFrame, { keyHeads, keyDim }: GatedDeltaShape, x: Value): Value {
  const { graph } = frame
  // The root mean square norm is √keyDim times that, with ε divided by keyDim.
  const weight = graph.table(`unit_${keyDim}`, [keyDim], new Float32Array(keyDim).fill(1 / Math.sqrt(keyDim)))
  const unit = rmsNorm(graph, frame.reshape(x, [-1, keyDim]), weight, 1e-6 / keyDim)
  return frame.unflattenTo(unit, [keyHeads * keyDim])
}

/** log a = -exp(A_log) · softplus(step + bias): [N, heads]. */
function decay(
  frame: DecoderFrame,
  weights: GraphWeights,
  { name, step, heads }: { name: string; step: Value; heads: number },
): Value {
  const { graph } = frame
  const rate = graph.op('Neg', [graph.op('Exp', [weights.get(`${name}.A_log`, [heads])])])
  const softplus = graph.op('Softplus', [graph.op('Add', [step, weights.get(`${name}.dt_bias`, [heads])])])
  return graph.op('Mul', [rate, softplus])
}
