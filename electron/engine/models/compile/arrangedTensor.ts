/** A weight that its file keeps in another order or sense, as the architecture means it; folded into a constant on loading. */
import type { Arrangement } from '../sources/checkpoint.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'

/** `value` is float32 of `shape`. */
export function arrangedTensor(
  graph: GraphBuilder,
  value: Value,
  { arrangement, shape }: { arrangement: Exclude<Arrangement, { kind: 'turned' }>; shape: readonly number[] },
): Value {
  if (arrangement.kind !== 'interleaved') {
    const isLogarithm = arrangement.kind === 'negative-exponential'
    return isLogarithm ? graph.op('Log', [graph.op('Neg', [value])]) : graph.op('Sub', [value, graph.float32(1)])
  }
  const [rows = 1, width = 1] = shape
  const pairs = graph.int64([arrangement.heads, rows / arrangement.heads / 2, 2, width])
  const halves = graph.op('Transpose', [graph.op('Reshape', [value, pairs])], { perm: [0, 2, 1, 3] })
  return graph.op('Reshape', [halves, graph.int64([...shape])])
}
