/** The activation functions of config.json (`hidden_act`, `activation_function`), by the names transformers gives them. */
import type { GraphBuilder, Value } from './graphBuilder.ts'

export const ACTIVATIONS = [
  'silu',
  'swish',
  'gelu',
  'gelu_new',
  'gelu_pytorch_tanh',
  'gelu_fast',
  'gelu_python',
  'gelu_python_tanh',
  'gelu_accurate',
  'gelu_10',
  'quick_gelu',
  'relu',
  'relu2',
  'relu6',
  'leaky_relu',
  'mish',
  'hardswish',
  'tanh',
  'sigmoid',
  'linear',
] as const
export type Activation = (typeof ACTIVATIONS)[number]

export function activate(graph: GraphBuilder, activation: Activation, x: Value): Value {
  switch (activation) {
    case 'silu':
    case 'swish':
      return silu(graph, x)
    case 'gelu':
    case 'gelu_python':
      return graph.op('Gelu', [x])
    case 'gelu_10':
      return graph.op('Clip', [graph.op('Gelu', [x]), graph.float32(-10), graph.float32(10)])
    case 'gelu_new':
    case 'gelu_accurate':
    case 'gelu_python_tanh':
    case 'gelu_pytorch_tanh':
    case 'gelu_fast':
      // x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))
      return graph.op('FastGelu', [x])
    case 'quick_gelu':
      return graph.op('QuickGelu', [x], { alpha: { float: 1.702 } })
    case 'relu':
      return graph.op('Relu', [x])
    case 'relu2': {
      const positive = graph.op('Relu', [x])
      return graph.op('Mul', [positive, positive])
    }
    case 'relu6':
      return graph.op('Clip', [x, graph.float32(0), graph.float32(6)])
    case 'leaky_relu':
      return graph.op('LeakyRelu', [x], { alpha: { float: 0.01 } })
    case 'mish':
      return graph.op('Mish', [x])
    case 'hardswish':
      return graph.op('HardSwish', [x])
    case 'tanh':
      return graph.op('Tanh', [x])
    case 'sigmoid':
      return graph.op('Sigmoid', [x])
    case 'linear':
      return x
  }
}

/** x · σ(x): QuickGelu with alpha 1, one pass over the data. */
export function silu(graph: GraphBuilder, x: Value): Value {
  return graph.op('QuickGelu', [x], { alpha: { float: 1 } })
}
