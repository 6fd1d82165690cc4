/** The short causal convolution of the Mamba layers, with its last inputs as state. */
import { type Activation, activate } from './activation.ts'
import type { DecoderFrame } from './decoderFrame.ts'
import type { Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

export interface CausalConv {
  readonly layer: number
  /** Tensor name without `.weight`: [channels, 1, kernel], and `.bias` [channels]. */
  readonly name: string
  readonly channels: number
  readonly kernel: number
  readonly bias: boolean
  readonly activation: Activation
  /** Puts the weight's channels in the order of the input's; default as they are. */
  readonly arrange?: (weight: Value) => Value
}

/** Depthwise over time, `[B, T, channels]` -> the same; reads `past_conv.L` and writes `present_conv.L`. */
export function causalConv(frame: DecoderFrame, weights: GraphWeights, x: Value, conv: CausalConv): Value {
  const { graph } = frame
  const { channels, kernel } = conv
  const dims = ['batch', channels, kernel - 1]
  const stored = weights.get(`${conv.name}.weight`, [channels, 1, kernel])
  const weight = conv.arrange?.(stored) ?? stored
  const bias = conv.bias ? weights.get(`${conv.name}.bias`, [channels]) : ''
  const past = graph.input(`past_conv.${conv.layer}`, 'float32', dims)
  const present = `present_conv.${conv.layer}`
  const fused = conv.activation === 'silu' || conv.activation === 'swish'
  const channelsFirst = graph.op('Transpose', [x], { perm: [0, 2, 1] }) // [B, channels, T]
  const convolved = graph.name('conv')
  graph.node('CausalConvWithState', [channelsFirst, weight, bias, past], [convolved, present], {
    ndim: 1,
    activation: fused ? 'silu' : 'none',
  })
  graph.output(present, 'float32', dims)
  const timeFirst = graph.op('Transpose', [convolved], { perm: [0, 2, 1] }) // [B, T, channels]
  return fused ? timeFirst : activate(graph, conv.activation, timeFirst)
}
