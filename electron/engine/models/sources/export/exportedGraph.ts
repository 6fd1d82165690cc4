/** An ONNX file opened for adaptation: what goes in and out, which operators it has, and its parts to put together again. */
import type { OnnxType } from '../../compile/onnxProto.ts'
import { ONNX_TYPE } from '../../compile/onnxProto.ts'
import type { Precision } from '../../model.ts'
import { delimited, fieldsOf, type ProtoField, readFields, readVarints, textOf } from './protoFields.ts'

/** Field numbers of onnx.proto that are read or rewritten here. */
const MODEL = { graph: 7, opset: 8 }
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 }
const NODE = { input: 1, output: 2, opType: 4, attribute: 5 }
const ATTRIBUTE = { name: 1, int: 3, graph: 6, graphs: 11 }
const TENSOR = { dims: 1, type: 2, name: 8, externalData: 13 }

export interface ExportedValue {
  readonly name: string
  readonly type: OnnxType | null
  /** null: the file names no size. */
  readonly dims: readonly (number | null)[]
}

export interface ExportedNode {
  readonly type: string
  readonly inputs: readonly string[]
  /** The attribute `bits` of MatMulNBits. */
  readonly bits: number | null
}

export class ExportedGraph {
  readonly #model: readonly ProtoField[]
  readonly #graph: readonly ProtoField[]
  readonly inputs: readonly ExportedValue[]
  readonly outputs: readonly ExportedValue[]
  readonly nodes: readonly ExportedNode[]
  /** Version of the standard operators. */
  readonly opset: number
  /** What its matrix products say about its weights. */
  readonly precision: Precision
  /** Numbers in the initialisers. */
  readonly parameters: number
  /** Names of the files that hold weights, with the bytes each must at least have. */
  readonly externalFiles: ReadonlyMap<string, number>

  /** Throws what protobufjs throws on bytes that are no ONNX file. */
  constructor(bytes: Uint8Array) {
    this.#model = readFields(bytes)
    const [graph] = fieldsOf(this.#model, MODEL.graph)
    if (graph === undefined) throw new RangeError('it has no graph')
    this.#graph = readFields(graph.bytes)
    const initializers = fieldsOf(this.#graph, GRAPH.initializer)
    const names = new Set(initializers.map(({ bytes }) => textOf(fieldsOf(readFields(bytes), TENSOR.name)[0])))
    this.inputs = fieldsOf(this.#graph, GRAPH.input)
      .map(exportedValue)
      .filter(({ name }) => !names.has(name))
    this.outputs = fieldsOf(this.#graph, GRAPH.output).map(exportedValue)
    this.nodes = fieldsOf(this.#graph, GRAPH.node).map(({ bytes }) => {
      const fields = readFields(bytes)
      return {
        type: textOf(fieldsOf(fields, NODE.opType)[0]),
        inputs: fieldsOf(fields, NODE.input).map(textOf),
        bits: bitsOf(fields),
      }
    })
    const opsets = fieldsOf(this.#model, MODEL.opset).map(({ bytes }) => readFields(bytes))
    this.opset =
      opsets.find(fields => textOf(fieldsOf(fields, 1)[0]) === '')?.find(({ number }) => number === 2)?.value ?? 0
    this.precision = precisionOf(this.nodes, initializers)
    this.externalFiles = externalFiles(initializers)
    this.parameters = initializers.reduce((sum, { bytes }) => sum + elementsOf(bytes), 0)
  }

  /**
   * The file's bytes with `before` and `after` (encoded GraphProtos) around its own nodes, their inputs and outputs in
   * place of its own, its tensors renamed, and its weight files called by other names.
   */
  surround(parts: {
    readonly before: Uint8Array
    readonly after: Uint8Array
    readonly rename: ReadonlyMap<string, string>
    readonly files: ReadonlyMap<string, string>
  }): Uint8Array {
    const own = this.#graph
      .filter(({ number }) => number !== GRAPH.input && number !== GRAPH.output)
      .map(field => renameIn(field, parts.rename, 0))
    const located = own.map(raw => relocate(raw, parts.files))
    const graph = delimited(MODEL.graph, Buffer.concat([parts.before, ...located, parts.after]))
    return Buffer.concat([...this.#model.filter(({ number }) => number !== MODEL.graph).map(({ raw }) => raw), graph])
  }
}

function exportedValue({ bytes }: ProtoField): ExportedValue {
  const fields = readFields(bytes)
  const [type] = fieldsOf(fields, 2)
  const [tensor] = type === undefined ? [] : fieldsOf(readFields(type.bytes), 1)
  const parts = tensor === undefined ? [] : readFields(tensor.bytes)
  const element = fieldsOf(parts, 1)[0]?.value
  const [shape] = fieldsOf(parts, 2)
  const dims = shape === undefined ? [] : fieldsOf(readFields(shape.bytes), 1)
  return {
    name: textOf(fieldsOf(fields, 1)[0]),
    type: TYPES.find(type => ONNX_TYPE[type] === element) ?? null,
    dims: dims.map(dim => fieldsOf(readFields(dim.bytes), 1)[0]?.value ?? null),
  }
}

const TYPES = ['float32', 'uint8', 'int8', 'int32', 'int64', 'bool', 'float16', 'bfloat16'] as const

/** Graphs in graphs; real ones have two or three. Each level is copied once more. */
const DEEPEST = 32

/** A graph's field with every tensor name mapped, in nodes, their subgraphs and value infos. */
function renameIn(field: ProtoField, rename: ReadonlyMap<string, string>, depth: number): Uint8Array {
  if (depth > DEEPEST) throw new RangeError(`its graphs nest more than ${DEEPEST} deep`)
  if (field.number === GRAPH.node) return delimited(GRAPH.node, renameNode(field.bytes, rename, depth))
  if (VALUE_INFOS.includes(field.number)) {
    const parts = readFields(field.bytes).map(part => (part.number === 1 ? renamed(part, rename) : part.raw))
    return delimited(field.number, Buffer.concat(parts))
  }
  return field.raw
}

const VALUE_INFOS: readonly number[] = [GRAPH.input, GRAPH.output, GRAPH.valueInfo]

function renameNode(node: Uint8Array, rename: ReadonlyMap<string, string>, depth: number): Uint8Array {
  const parts = readFields(node).map(part => {
    if (part.number === NODE.input || part.number === NODE.output) return renamed(part, rename)
    return part.number === NODE.attribute ? renameAttribute(part, rename, depth) : part.raw
  })
  return Buffer.concat(parts)
}

/** If, Loop and Scan hold graphs that read names from outside. */
function renameAttribute(attribute: ProtoField, rename: ReadonlyMap<string, string>, depth: number): Uint8Array {
  const parts = readFields(attribute.bytes)
  if (!parts.some(({ number }) => number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs)) return attribute.raw
  const mapped = parts.map(part => {
    if (part.number !== ATTRIBUTE.graph && part.number !== ATTRIBUTE.graphs) return part.raw
    const fields = readFields(part.bytes).map(field => renameIn(field, rename, depth + 1))
    return delimited(part.number, Buffer.concat(fields))
  })
  return delimited(NODE.attribute, Buffer.concat(mapped))
}

function renamed(field: ProtoField, rename: ReadonlyMap<string, string>): Uint8Array {
  const name = rename.get(textOf(field))
  return name === undefined ? field.raw : delimited(field.number, Buffer.from(name))
}

function bitsOf(node: readonly ProtoField[]): number | null {
  const attributes = fieldsOf(node, NODE.attribute).map(({ bytes }) => readFields(bytes))
  const bits = attributes.find(fields => textOf(fieldsOf(fields, ATTRIBUTE.name)[0]) === 'bits')
  return bits?.find(({ number }) => number === ATTRIBUTE.int)?.value ?? null
}

/** An export may be quantised, or in half precision, whatever its file is called. */
function precisionOf(nodes: readonly ExportedNode[], initializers: readonly ProtoField[]): Precision {
  const blocks = nodes.filter(({ type }) => type === 'MatMulNBits')
  if (blocks.length > 0) return blocks.some(({ bits }) => bits !== 8) ? 'int4' : 'int8'
  if (nodes.some(({ type }) => INTEGER_PRODUCTS.includes(type))) return 'int8'
  const numbersOf = (...types: OnnxType[]) => {
    const codes = types.map(type => ONNX_TYPE[type])
    const mine = initializers.filter(({ bytes }) =>
      codes.some(code => code === fieldsOf(readFields(bytes), TENSOR.type)[0]?.value),
    )
    return mine.reduce((sum, { bytes }) => sum + elementsOf(bytes), 0)
  }
  return numbersOf('float16', 'bfloat16') > numbersOf('float32') ? 'float16' : 'float32'
}

const INTEGER_PRODUCTS: readonly string[] = ['MatMulInteger', 'DynamicQuantizeMatMul', 'QLinearMatMul']

/** Dimensions are written one by one or packed into one field. */
function elementsOf(tensor: Uint8Array): number {
  const dims = fieldsOf(readFields(tensor), TENSOR.dims).flatMap(({ bytes, value }) =>
    bytes.length === 0 ? [value] : readVarints(bytes),
  )
  return dims.reduce((product, dim) => product * dim, 1)
}

/** Bits of one number, by `TensorProto.DataType`. */
const BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16 },
  ...{ 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4 },
}

/** What a tensor's numbers take; null for a type not known here. */
function bytesOf(tensor: Uint8Array): number | null {
  const bits = BITS[fieldsOf(readFields(tensor), TENSOR.type)[0]?.value ?? 0]
  return bits === undefined ? null : Math.ceil((elementsOf(tensor) * bits) / 8)
}

function externalFiles(initializers: readonly ProtoField[]): Map<string, number> {
  const files = new Map<string, number>()
  for (const { bytes } of initializers) {
    const entries = externalEntries(readFields(bytes))
    const location = entries.get('location')
    if (location === undefined) continue
    const needed = bytesOf(bytes)
    const length = Number(entries.get('length') ?? needed ?? 0)
    if (needed !== null && length !== needed) {
      const name = textOf(fieldsOf(readFields(bytes), TENSOR.name)[0])
      throw new RangeError(`the tensor ${name} needs ${needed} bytes and has ${length}`)
    }
    files.set(location, Math.max(files.get(location) ?? 0, Number(entries.get('offset') ?? 0) + length))
  }
  return files
}

function externalEntries(tensor: readonly ProtoField[]): Map<string, string> {
  return new Map(
    fieldsOf(tensor, TENSOR.externalData).map(({ bytes }) => {
      const entry = readFields(bytes)
      return [textOf(fieldsOf(entry, 1)[0]), textOf(fieldsOf(entry, 2)[0])]
    }),
  )
}

/** An initialiser's field with its weight file called by the file's real name (the hub's cache links to other names). */
function relocate(raw: Uint8Array, files: ReadonlyMap<string, string>): Uint8Array {
  const [field] = readFields(raw)
  if (field?.number !== GRAPH.initializer || files.size === 0) return raw
  const parts = readFields(field.bytes).map(part => {
    if (part.number !== TENSOR.externalData) return part.raw
    const [key, value] = readFields(part.bytes)
    const name = textOf(key) === 'location' ? files.get(textOf(value)) : undefined
    if (key === undefined || name === undefined) return part.raw
    return delimited(TENSOR.externalData, Buffer.concat([key.raw, delimited(2, Buffer.from(name))]))
  })
  return delimited(GRAPH.initializer, Buffer.concat(parts))
}
