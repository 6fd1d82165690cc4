/** How state tensors are stored: float32 as they are, float16, or int8 and float8 e4m3 through small graphs of the runtime. */
import { Tensor } from 'onnxruntime-node'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { runCodec } from './codecRuns.ts'
import { isFiniteFloat16 } from './float16.ts'
import { sizeOf } from './layers.ts'
import { roundBlock } from './roundBlock.ts'
import { NUMBER_BYTES } from './stateBytes.ts'
import { type KvBlock, numbersIn, type RecurrentLayer, type StateSnapshot, storedBlock } from './stateSnapshot.ts'

/** Keys vary by channel and get one scale per head and channel; everything else one per row of its last dimension. */
export type TensorRole = 'key' | 'value' | 'conv' | 'ssm'

/** One tensor as stored. `data` holds row-major little-endian numbers. */
export interface EncodedTensor {
  readonly dtype: StateDtype
  readonly role: TensorRole
  readonly dims: readonly number[]
  /** float32, float16, int8, or float8 e4m3fn bits. */
  readonly data: Uint8Array
  /** What the stored numbers are multiplied with; null for the float types. */
  readonly scales: Float32Array | null
  /** `dims` with the dimension that shares a scale set to 1: keys `[kvHeads, 1, headDim]`, values `[kvHeads, tokens, 1]`. */
  readonly scaleDims: readonly number[] | null
}

/** Throws `E_NOT_SUPPORTED` when a number does not fit the type: better to refuse than to store an infinity. */
export async function encodeTensor(
  values: Float32Array | Float16Array,
  { dims, dtype, role }: { dims: readonly number[]; dtype: StateDtype; role: TensorRole },
): Promise<EncodedTensor> {
  if (dtype === 'float16') {
    const codes = values instanceof Float16Array ? values : new Float16Array(values)
    if (!isFiniteFloat16(codes)) throw tooLarge(dtype)
    return { dtype, role, dims, data: bytesOf(codes), scales: null, scaleDims: null }
  }
  if (values instanceof Float16Array) return encodeTensor(new Float32Array(values), { dims, dtype, role })
  if (dtype === 'float32') return { dtype, role, dims, data: bytesOf(values), scales: null, scaleDims: null }
  const shape = asRank3(dims, role)
  if (values.some(value => !Number.isFinite(value))) throw tooLarge(dtype)
  const axis = role === 'key' ? 1 : 2
  const scaleShape = shape.map((dim, i) => (i === axis ? 1 : dim))
  const scales = new Float32Array(sizeOf(scaleShape))
  const isInt8 = dtype === 'int8'
  const codes = isInt8
    ? new Tensor('int8', new Int8Array(values.length), shape)
    : new Tensor('uint8', new Uint8Array(values.length), shape)
  await runCodec(
    `${isInt8 ? 'int8' : 'e4m3'}-${axis}`,
    { values: new Tensor('float32', values, shape) },
    { codes, scales: new Tensor('float32', scales, scaleShape) },
  )
  const scaleDims = dims.map((dim, i) => (i === (role === 'key' ? 1 : dims.length - 1) ? 1 : dim))
  const { buffer, byteOffset, byteLength } = codes.data
  return { dtype, role, dims, data: new Uint8Array(buffer, byteOffset, byteLength), scales, scaleDims }
}

/** The numbers a stored tensor stands for. Throws `E_BAD_FORMAT` when data or scales do not have the size of the shape. */
export async function decodeTensor(tensor: EncodedTensor): Promise<Float32Array> {
  const { dtype, role, dims, data, scales } = tensor
  const size = sizeOf(dims)
  if (data.byteLength !== size * NUMBER_BYTES[dtype])
    throw wrongSize('data', data.byteLength, size * NUMBER_BYTES[dtype])
  if (dtype === 'float32') return new Float32Array(aligned(data, 4))
  if (dtype === 'float16') return new Float32Array(new Float16Array(aligned(data, 2)))
  const shape = asRank3(dims, role)
  const scaleShape = shape.map((dim, i) => (i === (role === 'key' ? 1 : 2) ? 1 : dim))
  if (scales?.length !== sizeOf(scaleShape)) throw wrongSize('scales', scales?.length ?? 0, sizeOf(scaleShape))
  const values = new Float32Array(size)
  const codes =
    dtype === 'int8'
      ? new Tensor('int8', new Int8Array(data.buffer, data.byteOffset, size), shape)
      : new Tensor('uint8', data, shape)
  await runCodec(
    dtype === 'int8' ? 'int8' : 'e4m3',
    { codes, scales: new Tensor('float32', scales, scaleShape) },
    { values: new Tensor('float32', values, shape) },
  )
  return values
}

/** The state as it will be after storing it in this dtype and restoring it. */
export async function roundTripState(state: StateSnapshot, dtype: StateDtype): Promise<StateSnapshot> {
  if (dtype === 'float32') return state
  const blocks: KvBlock[] = []
  for (const block of state.blocks) blocks.push(await roundTripBlock(block, dtype))
  const recurrent: RecurrentLayer[] = []
  for (const layer of state.recurrent) {
    const conv = await roundTrip(layer.conv, { dims: layer.convDims, dtype, role: 'conv' })
    recurrent.push({ ...layer, conv, ssm: await roundTrip(layer.ssm, { dims: layer.ssmDims, dtype, role: 'ssm' }) })
  }
  return { ...state, blocks, recurrent }
}

/** The same of one block. */
export async function roundTripBlock(block: KvBlock, dtype: StateDtype): Promise<KvBlock> {
  if (dtype === 'float32') return block
  if (dtype === 'float16') {
    const halves = new Float16Array(numbersIn(block, block.tokens))
    await roundBlock(block, halves)
    return storedBlock(block, block.layers, halves)
  }
  const layers = []
  for (const layer of block.layers) {
    const dims = [layer.kvHeads, block.tokens, layer.headDim]
    const key = await roundTrip(layer.key, { dims, dtype, role: 'key' })
    layers.push({ ...layer, key, value: await roundTrip(layer.value, { dims, dtype, role: 'value' }) })
  }
  return { ...block, layers }
}

async function roundTrip(values: Float32Array, how: Parameters<typeof encodeTensor>[1]): Promise<Float32Array> {
  return decodeTensor(await encodeTensor(values, how))
}

/** Keys are `[kvHeads, tokens, headDim]` already; of the others only the rows of the last dimension matter. */
function asRank3(dims: readonly number[], role: TensorRole): number[] {
  if (role === 'key') return [...dims]
  return [1, sizeOf(dims.slice(0, -1)), dims.at(-1) ?? 1]
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** The bytes as a buffer that an array of `width`-byte numbers can lie on: the same one where possible, else a copy. */
function aligned(data: Uint8Array, width: number): ArrayBufferLike {
  const { buffer, byteOffset, byteLength } = data
  if (byteOffset === 0 && byteLength === buffer.byteLength && byteLength % width === 0) return buffer
  return buffer.slice(byteOffset, byteOffset + byteLength)
}

/** What refuses to store a number that the type rounds to an infinity. */
export function tooLarge(dtype: StateDtype): StatePackError {
  return new StatePackError(
    'E_NOT_SUPPORTED',
    `This state has numbers that ${dtype} cannot hold. Store it as float32.`,
    {
      dtype,
      instead: 'float32',
    },
  )
}

function wrongSize(what: string, found: number, expected: number): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `A stored tensor's ${what} have the wrong size.`, { what, found, expected })
}
