/** down(act(gate(x)) · up(x)): the gated MLP of Llama and everything after it (Shazeer 2020). */
import { type Activation, activate } from './activation.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

export interface GatedMlp {
  /** Tensor names without `.weight`; one name for gate and up where a checkpoint has them in one tensor, gate first. */
  readonly gate: string
  readonly up: string
  readonly down: string
  readonly width: number
  readonly inner: number
  readonly activation: Activation
  readonly bias: boolean
  /** What the gate is multiplied with before the activation; default 1. */
  readonly gateMultiplier?: number
}

/** `[N, width] -> [N, width]`. */
export function gatedMlp(graph: GraphBuilder, weights: GraphWeights, x: Value, mlp: GatedMlp): Value {
  const { width, inner, bias } = mlp
  const [gate = '', up = ''] =
    mlp.gate === mlp.up
      ? graph.split('Split', [weights.linear(x, mlp.gate, [2 * inner, width], bias)], 2, { axis: 1, num_outputs: 2 })
      : [mlp.gate, mlp.up].map(name => weights.linear(x, name, [inner, width], bias)) // [N, inner]
  const activated = activate(graph, mlp.activation, graph.scale(gate, mlp.gateMultiplier ?? 1))
  return weights.linear(graph.op('Mul', [activated, up]), mlp.down, [width, inner], bias)
}
