/** Builds an ONNX graph node by node, so that an architecture file reads like the paper's maths. */
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  EXTERNAL,
  encodeGraph,
  encodeModel,
  type GraphProto,
  type NodeProto,
  ONNX_TYPE,
  type OnnxType,
  type TensorProto,
} from './onnxProto.ts'

/** The name of a tensor inside the graph. `''` stands for an optional input that is left out. */
export type Value = string
export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly float: number } | { readonly graph: GraphProto }>
>

/** ONNX Runtime's own operators; everything else is standard ONNX. */
const MICROSOFT_OPS = new Set([
  'GroupQueryAttention',
  'RotaryEmbedding',
  'LinearAttention',
  'CausalConvWithState',
  'QuickGelu',
  'FastGelu',
  'Gelu',
  'MatMulNBits',
  'DynamicQuantizeMatMul',
])

const OPSET = 21

/** Where an initialiser's bytes lie: `location` is a file name inside the external folder. */
export interface ExternalTensor {
  readonly type: OnnxType
  readonly shape: readonly number[]
  readonly location: string
  readonly offset: number
  readonly length: number
}

/** An input or output of the graph; a string names a dimension. */
export interface GraphValue {
  readonly name: string
  readonly type: OnnxType
  readonly dims: readonly (number | string)[]
}

export class GraphBuilder {
  readonly inputs: GraphValue[] = []
  readonly outputs: GraphValue[] = []
  readonly #nodes: NodeProto[] = []
  readonly #initializers = new Map<string, TensorProto>()
  #next = 0
  readonly #prefix: string
  /** Attention gives every position the same bits, however a text is cut: see {@link KeyValueAttention}. */
  readonly evenRows: boolean

  /** `prefix` keeps the names of two builders apart whose graphs become one. */
  constructor(prefix = '', { evenRows = false }: { readonly evenRows?: boolean } = {}) {
    this.#prefix = prefix
    this.evenRows = evenRows
  }

  input(name: string, type: OnnxType, dims: GraphValue['dims']): Value {
    this.inputs.push({ name, type, dims })
    return name
  }

  /** Declares a value that some node produces under exactly this name as an output. */
  output(name: string, type: OnnxType, dims: GraphValue['dims']): void {
    this.outputs.push({ name, type, dims })
  }

  /** Adds a node with one output and returns it. `as` names the output (needed for graph outputs). */
  op(type: string, inputs: readonly Value[], attributes: Attributes = {}, as?: string): Value {
    const output = as ?? this.name(type)
    this.node(type, inputs, [output], attributes)
    return output
  }

  /** `x` times a number; itself for 1. */
  scale(x: Value, factor: number): Value {
    return factor === 1 ? x : this.op('Mul', [x, this.float32(factor)])
  }

  /** Adds a node with several outputs, named by the caller or fresh ones. */
  split(type: string, inputs: readonly Value[], outputs: number, attributes: Attributes = {}): Value[] {
    const names = Array.from({ length: outputs }, () => this.name(type))
    this.node(type, inputs, names, attributes)
    return names
  }

  node(type: string, inputs: readonly Value[], outputs: readonly Value[], attributes: Attributes = {}): void {
    this.#nodes.push({
      name: `${this.#prefix}${type}_${this.#nodes.length}`,
      opType: type,
      domain: MICROSOFT_OPS.has(type) ? 'com.microsoft' : '',
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    })
  }

  /** An int64 constant, shared between its uses; a plain number is a scalar. */
  int64(value: number | readonly number[]): Value {
    const values = typeof value === 'number' ? [value] : value
    const dims = typeof value === 'number' ? [] : [value.length]
    const data = BigInt64Array.from(values, BigInt)
    return this.#constant(`int64_${dims.length}_${values.join('_')}`, 'int64', dims, new Uint8Array(data.buffer))
  }

  int32(value: number): Value {
    return this.#constant(`int32_${value}`, 'int32', [], new Uint8Array(Int32Array.of(value).buffer))
  }

  float32(value: number): Value {
    return this.#constant(`float32_${value}`, 'float32', [], new Uint8Array(Float32Array.of(value).buffer))
  }

  /** A small table written into the graph itself. */
  table(name: string, dims: readonly number[], data: Float32Array): Value {
    return this.#constant(name, 'float32', dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }

  /** An initialiser whose bytes stay in a weight file. */
  external(name: string, tensor: ExternalTensor): Value {
    if (!this.#initializers.has(name)) {
      this.#initializers.set(name, {
        name,
        dataType: ONNX_TYPE[tensor.type],
        dims: [...tensor.shape],
        dataLocation: EXTERNAL,
        externalData: [
          { key: 'location', value: tensor.location },
          { key: 'offset', value: String(tensor.offset) },
          { key: 'length', value: String(tensor.length) },
        ],
      })
    }
    return name
  }

  /** The model file's bytes. */
  encode(name: string): Uint8Array {
    return encodeModel({
      irVersion: 10,
      producerName: 'state-pack-studio',
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: 'com.microsoft', version: 1 },
      ],
      graph: this.#graph(name),
    })
  }

  /** Only the nodes and constants with the declared inputs (or outputs), to be merged into another graph. */
  encodeGraph(name: string, side: 'inputs' | 'outputs'): Uint8Array {
    const graph = this.#graph(name)
    return encodeGraph(side === 'inputs' ? { ...graph, output: [] } : { ...graph, input: [] })
  }

  #graph(name: string): GraphProto {
    const valueInfo = (spec: GraphValue) => ({
      name: spec.name,
      type: {
        tensorType: {
          elemType: ONNX_TYPE[spec.type],
          shape: { dim: spec.dims.map(dim => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
        },
      },
    })
    return {
      name,
      node: this.#nodes,
      initializer: [...this.#initializers.values()],
      input: this.inputs.map(valueInfo),
      output: this.outputs.map(valueInfo),
    }
  }

  #constant(hint: string, type: OnnxType, dims: readonly number[], rawData: Uint8Array): Value {
    const name = this.#prefix + hint
    if (!this.#initializers.has(name)) {
      this.#initializers.set(name, { name, dataType: ONNX_TYPE[type], dims: [...dims], rawData })
    }
    return name
  }

  /** A name nothing else has. */
  name(hint: string): Value {
    this.#next += 1
    return `${this.#prefix}${hint.toLowerCase()}.${this.#next}`
  }
}

function attribute(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value }
  if ('graph' in value) return { name, type: ATTRIBUTE_TYPE.graph, g: value.graph }
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float }
  return { name, type: ATTRIBUTE_TYPE.ints, ints: [...value] }
}
