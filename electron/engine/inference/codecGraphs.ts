/** The small graphs that turn float32 state tensors into stored numbers and back. Every tensor in them has rank 3. */
import {
  ATTRIBUTE_TYPE,
  encodeModel,
  type NodeProto,
  ONNX_TYPE,
  type OnnxType,
  type TensorProto,
} from '#engine/models/compile/onnxProto.ts'
import { withMarker } from './inPlaceRun.ts'

/** Largest finite number of float8 e4m3fn (OCP 8-bit floating point specification, 2023). */
const E4M3_MAX = 448
const INT8_MAX = 127
/** Scales lie between the smallest normal float32 and what times the largest code is still finite. */
const [SCALE_MIN, FLOAT_MAX] = [2 ** -126, (2 - 2 ** -23) * 2 ** 127]
const RANK = 3

/** `values` -> int8 `codes` and `scales`: codes · scales ≈ values, the largest magnitude along `axis` is 127. */
export function int8EncodeGraph(axis: number): Uint8Array {
  const graph = new SmallGraph()
  const whole = graph.op('Round', [scaled(graph, axis, INT8_MAX)])
  const clipped = graph.op('Clip', [whole, graph.float(-INT8_MAX), graph.float(INT8_MAX)])
  graph.op('Cast', [clipped], { to: ONNX_TYPE.int8 }, 'codes')
  return graph.bytes({ values: 'float32' }, { codes: 'int8', scales: 'float32' })
}

/** `values` -> the same `numbers` in another float type, rounded to nearest with ties to even. */
export function castGraph(from: 'float16' | 'float32', to: 'float16' | 'float32'): Uint8Array {
  const graph = new SmallGraph()
  graph.op('Cast', ['values'], { to: ONNX_TYPE[to] }, 'numbers')
  return graph.bytes({ values: from }, { numbers: to })
}

/** `values` -> the `numbers` that come back from float16. */
export function throughFloat16Graph(): Uint8Array {
  const graph = new SmallGraph()
  graph.op('Cast', [graph.op('Cast', ['values'], { to: ONNX_TYPE.float16 })], { to: ONNX_TYPE.float32 }, 'numbers')
  return graph.bytes({ values: 'float32' }, { numbers: 'float32' })
}

export function int8DecodeGraph(): Uint8Array {
  const graph = new SmallGraph()
  graph.op('Mul', [graph.op('Cast', ['codes'], { to: ONNX_TYPE.float32 }), 'scales'], {}, 'values')
  return graph.bytes({ codes: 'int8', scales: 'float32' }, { values: 'float32' })
}

/**
 * `values` -> float8 e4m3fn `codes` (uint8) and `scales`. Written out because the runtime's own float8 tensors cannot leave
 * it: with e = max(⌊log2 |y|⌋, -6) and m = round(|y| / 2^(e-3)), the code is 8·(e + 6) + m, and a mantissa that rounds up
 * to 16 becomes the next exponent by itself.
 */
export function e4m3EncodeGraph(axis: number): Uint8Array {
  const graph = new SmallGraph()
  const y = scaled(graph, axis, E4M3_MAX)
  const a = graph.op('Abs', [y])
  const log2 = graph.op('Div', [graph.op('Log', [graph.op('Max', [a, graph.float(2 ** -6)])]), graph.float(Math.LN2)])
  const e = graph.op('Max', [graph.op('Floor', [log2]), graph.float(-6)])
  const quantum = graph.op('Pow', [graph.float(2), graph.op('Sub', [e, graph.float(3)])])
  const m = graph.op('Round', [graph.op('Div', [a, quantum])])
  const high = graph.op('Mul', [graph.op('Add', [e, graph.float(6)]), graph.float(8)])
  const magnitude = graph.op('Min', [graph.op('Add', [high, m]), graph.float(126)])
  const sign = graph.op('Where', [graph.op('Less', [y, graph.float(0)]), graph.float(128), graph.float(0)])
  graph.op('Cast', [graph.op('Add', [magnitude, sign])], { to: ONNX_TYPE.uint8 }, 'codes')
  return graph.bytes({ values: 'float32' }, { codes: 'uint8', scales: 'float32' })
}

export function e4m3DecodeGraph(): Uint8Array {
  const graph = new SmallGraph()
  const table = graph.float(...Array.from({ length: 256 }, (_, code) => e4m3Value(code)))
  const looked = graph.op('Gather', [table, graph.op('Cast', ['codes'], { to: ONNX_TYPE.int32 })])
  graph.op('Mul', [looked, 'scales'], {}, 'values')
  return graph.bytes({ codes: 'uint8', scales: 'float32' }, { values: 'float32' })
}

/** The number a float8 e4m3fn code stands for: sign, 4 exponent bits (bias 7), 3 mantissa bits; all ones is NaN. */
function e4m3Value(code: number): number {
  const exponent = (code >> 3) & 15
  const mantissa = code & 7
  const sign = code & 128 ? -1 : 1
  if (exponent === 15 && mantissa === 7) return Number.NaN
  return sign * (exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10))
}

/**
 * values / scales, where the scales (declared as an output) make the largest magnitude along `axis` equal `most`. Without
 * bounds a scale of the smallest numbers would be zero, and the code of the largest stand for infinity.
 */
function scaled(graph: SmallGraph, axis: number, most: number): string {
  const largest = graph.op('ReduceMax', [graph.op('Abs', ['values']), graph.axes(axis)], { keepdims: 1 })
  const isZero = graph.op('Equal', [largest, graph.float(0)])
  const scale = graph.op('Div', [largest, graph.float(most)])
  const bounded = graph.op('Clip', [scale, graph.float(SCALE_MIN), graph.float((FLOAT_MAX / most) * (1 - 2 ** -22))])
  graph.op('Where', [isZero, graph.float(1), bounded], {}, 'scales')
  return graph.op('Div', ['values', 'scales'])
}

class SmallGraph {
  readonly #nodes: NodeProto[] = []
  readonly #constants: TensorProto[] = []
  #next = 0

  op(opType: string, input: string[], attributes: Record<string, number> = {}, output = this.#fresh()): string {
    const attribute = Object.entries(attributes).map(([name, i]) => ({ name, type: ATTRIBUTE_TYPE.int, i }))
    this.#nodes.push({ name: output, opType, domain: '', input, output: [output], attribute })
    return output
  }

  /** One number is a scalar. */
  float(...values: number[]): string {
    const dims = values.length === 1 ? [] : [values.length]
    return this.#constant('float32', dims, new Uint8Array(Float32Array.from(values).buffer))
  }

  axes(axis: number): string {
    return this.#constant('int64', [1], new Uint8Array(BigInt64Array.of(BigInt(axis)).buffer))
  }

  /** The graph's bytes; `marker` is a scalar input that nothing reads. */
  bytes(inputs: Record<string, OnnxType>, outputs: Record<string, OnnxType>): Uint8Array {
    const info = (name: string, type: OnnxType, rank: number) => ({
      name,
      type: { tensorType: { elemType: ONNX_TYPE[type], shape: { dim: Array.from({ length: rank }, () => ({})) } } },
    })
    const rank3 = ([name, type]: [string, OnnxType]) => info(name, type, RANK)
    const bytes = encodeModel({
      irVersion: 10,
      producerName: 'state-pack-studio',
      opsetImport: [{ domain: '', version: 21 }],
      graph: {
        name: 'codec',
        node: this.#nodes,
        initializer: this.#constants,
        input: [info('marker', 'int64', 0), ...Object.entries(inputs).map(rank3)],
        output: Object.entries(outputs).map(rank3),
      },
    })
    return withMarker(bytes, { name: 'marker', type: 'int64' })
  }

  #constant(type: OnnxType, dims: number[], rawData: Uint8Array): string {
    const name = this.#fresh()
    this.#constants.push({ name, dataType: ONNX_TYPE[type], dims, rawData })
    return name
  }

  #fresh(): string {
    this.#next += 1
    return `v${this.#next}`
  }
}
