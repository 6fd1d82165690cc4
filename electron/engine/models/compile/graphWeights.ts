/** A checkpoint's tensors as graph values: checked against the shape the configuration implies, widened to float32. */
import { StatePackError } from '#shared/domain/error.ts'
import { type Checkpoint, type CheckpointTensor, isBuffer } from '../sources/checkpoint.ts'
import { arrangedTensor } from './arrangedTensor.ts'
import type { GraphBuilder, Value } from './graphBuilder.ts'
import type { OnnxType } from './onnxProto.ts'
import {
  ACCURACY,
  CODES4,
  gatherPacked,
  multiplyPacked,
  PACKED_OFFSETS,
  PACKED_SCALES,
  type PackedContext,
  widenPacked,
} from './packedTensor.ts'
import { BLOCKS, CODES, SCALES, ZEROS, zeroBytes } from './quantise.ts'

const ONNX_DTYPES: Readonly<Record<string, OnnxType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  U8: 'uint8',
}

/** A weight that is multiplied with; `in-out` is the transpose of what torch's Linear stores. */
export interface Matrix {
  readonly outputs: number
  readonly inputs: number
  readonly layout: 'out-in' | 'in-out'
  /** What logits are made with: an error in it is not mended by any layer after it. */
  readonly isHead?: boolean
}
/** `TensorProto.FLOAT`, the target of a Cast. */
const FLOAT = 1

export class GraphWeights {
  readonly #graph: GraphBuilder
  readonly #checkpoint: Checkpoint
  readonly #used = new Set<string>()
  readonly #widened = new Map<string, Value>()
  /** By full tensor name: what the graph multiplies with, and what it needs as it is (embedding tables, norms, biases). */
  readonly matrices = new Map<string, Matrix>()
  readonly whole = new Set<string>()

  /** The checkpoint's tensors are called as the architecture calls them ({@link canonicalTensors}). */
  constructor(graph: GraphBuilder, checkpoint: Checkpoint) {
    this.#graph = graph
    this.#checkpoint = checkpoint
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined
  }

  /** A float32 weight of exactly this shape. Throws `E_MODEL_WEIGHTS` when it is missing or has another shape. */
  get(name: string, shape: readonly number[]): Value {
    const tensor = this.#take(name, shape)
    this.whole.add(tensor.name)
    return this.#widen(tensor)
  }

  /** Rows of an embedding table: only the gathered rows are widened. `indices` any shape -> indices.shape + [columns]. */
  gather(name: string, shape: readonly [rows: number, columns: number], indices: Value): Value {
    const tensor = this.#take(name, shape)
    this.whole.add(tensor.name)
    const { packed: parts } = tensor
    if (parts?.codes8) return gatherPacked(this.#packing, indices, { codes: parts.codes8, parts, width: shape[1] })
    const rows = this.#graph.op('Gather', [this.#raw(tensor), indices])
    return tensor.dtype === 'F32' ? rows : this.#graph.op('Cast', [rows], { to: FLOAT })
  }

  /** `x [N, in] · weightᵀ + bias -> [N, out]`, the weight stored `[out, in]` as torch's Linear does. */
  linear(x: Value, name: string, shape: readonly [outputs: number, inputs: number], bias: boolean): Value {
    return this.#multiply(x, name, { outputs: shape[0], inputs: shape[1], layout: 'out-in' }, bias)
  }

  /** `x [N, in] · weightᵀ -> [N, vocabulary]`. */
  head(x: Value, name: string, shape: readonly [outputs: number, inputs: number]): Value {
    return this.#multiply(x, name, { outputs: shape[0], inputs: shape[1], layout: 'out-in', isHead: true }, false)
  }

  /** `x [N, in] · weight + bias -> [N, out]`, the weight stored `[in, out]` as GPT-2's Conv1D does, or turned by its file. */
  conv1d(x: Value, name: string, shape: readonly [inputs: number, outputs: number]): Value {
    const isTurned = this.#find(`${name}.weight`)?.arrangement?.kind === 'turned'
    return this.#multiply(
      x,
      name,
      { outputs: shape[1], inputs: shape[0], layout: isTurned ? 'out-in' : 'in-out' },
      true,
    )
  }

  #multiply(x: Value, name: string, matrix: Matrix, hasBias: boolean): Value {
    const { outputs, inputs, layout } = matrix
    const bias = hasBias ? this.get(`${name}.bias`, [outputs]) : null
    const blocks = this.#find(`${name}.weight${CODES}`)
    if (blocks !== undefined) return this.#multiplyBlocks(x, `${name}.weight`, { ...matrix, bias })
    if (this.#find(`${name}.weight${CODES4}`) !== undefined)
      return this.#multiplyStored(x, `${name}.weight`, { ...matrix, bias })
    const tensor = this.#take(`${name}.weight`, layout === 'out-in' ? [outputs, inputs] : [inputs, outputs])
    this.matrices.set(tensor.name, matrix)
    const { packed: parts } = tensor
    if (parts?.codes4) {
      const packed = { codes: parts.codes4, parts, outputs, inputs, activations: 'float32' } as const
      return this.#withBias(multiplyPacked(this.#packing, x, packed), bias)
    }
    const operands = [x, this.#widen(tensor), ...(bias === null ? [] : [bias])]
    return this.#graph.op('Gemm', operands, { transB: layout === 'out-in' ? 1 : 0 })
  }

  /** Weights in blocks of {@link BLOCKS} along the inputs, a scale each; activations are quantised to int8 as they come. */
  #multiplyBlocks(x: Value, name: string, { outputs, inputs, bias }: Matrix & { bias: Value | null }): Value {
    const bits = this.#find(name + CODES)?.shape.at(-1) === BLOCKS[8] ? 8 : 4
    const size = BLOCKS[bits]
    const blocks = Math.ceil(inputs / size)
    const codes = this.#raw(this.#take(name + CODES, [outputs, blocks, (size * bits) / 8]))
    const scales = this.#raw(this.#take(name + SCALES, [outputs * blocks]))
    const zeros = bits === 4 ? [this.#raw(this.#take(name + ZEROS, [outputs, zeroBytes(blocks)]))] : []
    const attributes = { K: inputs, N: outputs, bits, block_size: size, accuracy_level: ACCURACY.int8 }
    return this.#withBias(this.#graph.op('MatMulNBits', [x, codes, scales, ...zeros], attributes), bias)
  }

  /** The 4-bit codes of a GGUF file as they are; activations as in {@link #multiplyBlocks}. */
  #multiplyStored(x: Value, name: string, { outputs, inputs, bias }: Matrix & { bias: Value | null }): Value {
    const group = 2 * (this.#find(name + CODES4)?.shape.at(-1) ?? 0)
    const [groups, offsets] = [inputs / group, name + PACKED_OFFSETS]
    const parts = {
      group,
      scales: this.#take(name + PACKED_SCALES, [outputs, groups]),
      offsets: this.has(offsets) ? this.#take(offsets, [outputs, groups]) : null,
    }
    const codes = this.#take(name + CODES4, [outputs, groups, group / 2])
    return this.#withBias(
      multiplyPacked(this.#packing, x, { codes, parts, outputs, inputs, activations: 'int8' }),
      bias,
    )
  }

  #withBias(product: Value, bias: Value | null): Value {
    return bias === null ? product : this.#graph.op('Add', [product, bias])
  }

  /** Refuses a checkpoint that holds parameters which the graph does not use (`allowed` ones excepted). */
  finish(allowed: RegExp | null): void {
    for (const name of this.#checkpoint.tensors.keys()) {
      if (!this.#used.has(name) && !isBuffer(name) && allowed?.test(name) !== true) {
        throw new StatePackError(
          'E_MODEL_WEIGHTS',
          `The weights have a tensor ${name} that this architecture, as config.json describes it, does not use.`,
          { tensor: name },
        )
      }
    }
  }

  #find(name: string): CheckpointTensor | undefined {
    return this.#checkpoint.tensors.get(name)
  }

  #take(name: string, shape: readonly number[]): CheckpointTensor {
    const tensor = this.#find(name)
    if (tensor === undefined) {
      throw new StatePackError('E_MODEL_WEIGHTS', `The weights have no tensor ${name}, which config.json calls for.`, {
        tensor: name,
      })
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, axis) => dim !== shape[axis])) {
      throw new StatePackError(
        'E_MODEL_WEIGHTS',
        `The tensor ${name} in ${tensor.file} is [${tensor.shape}]; config.json calls for [${shape}].`,
        { tensor: name, file: tensor.file, expected: `[${shape}]`, found: `[${tensor.shape}]` },
      )
    }
    this.#used.add(tensor.name)
    return tensor
  }

  get #packing(): PackedContext {
    return { graph: this.#graph, external: tensor => this.#raw(tensor) }
  }

  #raw(tensor: CheckpointTensor): Value {
    const type = ONNX_DTYPES[tensor.dtype]
    if (type === undefined) {
      throw new StatePackError(
        'E_MODEL_WEIGHTS',
        `The tensor ${tensor.name} in ${tensor.file} has the type ${tensor.dtype}; F32, F16 and BF16 are read.`,
        { tensor: tensor.name, file: tensor.file },
      )
    }
    return this.#graph.external(tensor.name, {
      type,
      shape: tensor.shape,
      location: tensor.file,
      offset: tensor.offset,
      length: tensor.length,
    })
  }

  #widen(tensor: CheckpointTensor): Value {
    const { packed: parts, shape } = tensor
    // A turned one is multiplied as it lies.
    const arrangement = tensor.arrangement?.kind === 'turned' ? undefined : tensor.arrangement
    if (tensor.dtype === 'F32' && parts === undefined && arrangement === undefined) return this.#raw(tensor)
    const known = this.#widened.get(tensor.name)
    if (known !== undefined) return known
    const wide = parts?.codes8
      ? widenPacked(this.#packing, { codes: parts.codes8, parts, shape })
      : this.#graph.op('Cast', [this.#raw(tensor)], { to: FLOAT })
    const meant = arrangement === undefined ? wide : arrangedTensor(this.#graph, wide, { arrangement, shape })
    this.#widened.set(tensor.name, meant)
    return meant
  }
}
