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
  /**
   * The weights have value head v at key head v mod keyHeads, as llama.cpp lays them out. States have it at key head
   * ⌊v · keyHeads / valueHeads⌋ whatever the weights do.
   */
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
  const order = headOrder(frame, c)
  const joined = order.lastRows(linear('in_proj_qkv', channels), 1, valueDim)
  const mixed = causalConv(frame, weights, frame.unflatten(joined), {
    ...{ layer: at.layer, name: `${name}.conv1d`, channels, kernel: c.kernel, bias: false, activation: c.activation },
    arrange: weight => order.lastRows(weight, 0, valueDim * c.kernel),
  }) // [B, T, 2·keys + values]
  const [q = '', k = '', v = ''] = graph.split('Split', [mixed, graph.int64([keys, keys, values])], 3, { axis: 2 })
  const perHead = (part: Value) =>
    repeatHeads(frame, unitLength(frame, c, part), { heads: c.keyHeads, each: valueHeads / c.keyHeads, size: keyDim })
  const dims = ['batch', valueHeads, keyDim, valueDim]
  const past = graph.input(`past_ssm.${at.layer}`, 'float32', dims)
  const present = `present_ssm.${at.layer}`
  const scanned = graph.name('scan')
  graph.node(
    'LinearAttention',
    [
      ...[perHead(q), perHead(k), v, past],
      frame.unflatten(
        order.grouped(decay(frame, weights, { name, step: linear('in_proj_a', valueHeads), heads: valueHeads }), 1),
      ),
      frame.unflatten(order.grouped(graph.op('Sigmoid', [linear('in_proj_b', valueHeads)]), 1)),
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
  const scannedRows = order.stored(frame.reshape(normed, [-1, values]), valueDim)
  const gated = graph.op('Mul', [scannedRows, silu(graph, linear('in_proj_z', values))])
  return weights.linear(gated, `${name}.out_proj`, [c.width, values], false)
}

/** Between the order of value heads in the weights and the one in states; where they are the same, nothing is moved. */
function headOrder({ graph }: DecoderFrame, c: GatedDeltaShape) {
  const [keys, values, each] = [c.keyHeads * c.keyDim, c.valueHeads * c.valueDim, c.valueHeads / c.keyHeads]
  const isSame = !c.tiled || each === 1 || c.keyHeads === 1
  /** `[N, a·b·size]` as `[N, b·a·size]`. */
  const turned = (x: Value, [a, b]: readonly [number, number], size: number): Value => {
    const apart = graph.op('Reshape', [x, graph.int64([-1, a, b, size])])
    const across = graph.op('Transpose', [apart], { perm: [0, 2, 1, 3] })
    return graph.op('Reshape', [across, graph.int64([-1, a * b * size])])
  }
  const grouped = (x: Value, size: number) => (isSame ? x : turned(x, [each, c.keyHeads], size))
  return {
    /** `[N, valueHeads·size]` of the weights in the order of states. */
    grouped,
    /** The other way round. */
    stored: (x: Value, size: number) => (isSame ? x : turned(x, [c.keyHeads, each], size)),
    /** The same for what follows queries and keys along an axis; the numbers from that axis on are `size` a value head. */
    lastRows(x: Value, axis: 0 | 1, size: number): Value {
      if (isSame) return x
      const [queriesAndKeys = '', rest = ''] = graph.split('Split', [x, graph.int64([2 * keys, values])], 2, { axis })
      const flat = grouped(rest, size)
      const back = axis === 1 ? flat : graph.op('Reshape', [flat, graph.int64([values, 1, c.kernel])])
      return graph.op('Concat', [queriesAndKeys, back], { axis })
    },
  }
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
