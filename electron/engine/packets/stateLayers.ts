import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { isFiniteFloat16 } from '../inference/float16.ts'
import { roundBlock } from '../inference/roundBlock.ts'
import { decodeTensor, encodeTensor, type TensorRole, tooLarge } from '../inference/stateCodec.ts'
import { type KvBlock, type KvLayerBlock, type RecurrentLayer, storedBlock } from '../inference/stateSnapshot.ts'
import { sha256 } from '../sha256.ts'
import {
  encodeSafetensors,
  encodeSafetensorsHeader,
  parseSafetensors,
  type SafeTensor,
  type SafetensorsDtype,
  type SafetensorsFile,
} from '../store/safetensors.ts'
import { unwritten } from '../unwritten.ts'
import { type BlockShape, beginsWith, layoutOf, type PlainDtype, STORED_AS } from './blockLayout.ts'
import { digestOfList } from './components.ts'

/** One KV block as a layer: `key.L` and `value.L`, `[kvHeads, tokens, headDim]`, with `….scale` for dtypes that have scales. */
export async function encodeKvBlock(block: KvBlock, dtype: StateDtype): Promise<Uint8Array<ArrayBuffer>> {
  if (dtype === 'float16') return encodeHalves(block)
  if (dtype === 'float32') return encodeFloats(block)
  const tensors: SafeTensor[] = []
  for (const { layer, kvHeads, headDim, key, value } of block.layers) {
    const dims = [kvHeads, block.tokens, headDim]
    tensors.push(...(await stored(`key.${layer}`, key, { dims, dtype, role: 'key' })))
    tensors.push(...(await stored(`value.${layer}`, value, { dims, dtype, role: 'value' })))
  }
  return encodeSafetensors(tensors)
}

/** Rounded straight into the layer's bytes. Throws `E_NOT_SUPPORTED` when a number does not fit. */
async function encodeHalves(block: KvBlock): Promise<Uint8Array<ArrayBuffer>> {
  const { out, from } = begun(block, 'float16')
  const halves = new Float16Array(out.buffer, from)
  await roundBlock(block, halves)
  if (!isFiniteFloat16(halves)) throw tooLarge('float16')
  return out
}

/** Copied straight into the layer's bytes. */
function encodeFloats(block: KvBlock): Uint8Array<ArrayBuffer> {
  const { out, from } = begun(block, 'float32')
  const floats = new Float32Array(out.buffer, from)
  let at = 0
  for (const { key, value } of block.layers) {
    floats.set(key, at)
    floats.set(value, at + key.length)
    at += key.length + value.length
  }
  if (at !== floats.length) throw new Error('a block has other numbers than its shapes say')
  return out
}

/** A layer of which only the header is written; where its numbers are to be. */
function begun({ layers, tokens }: KvBlock, dtype: PlainDtype) {
  const layout = layoutOf(layers, tokens, dtype)
  if (layout === null) throw new Error('no file has a block of such shapes')
  const out = new Uint8Array(unwritten(layout.size))
  out.set(layout.header)
  return { out, from: layout.header.byteLength }
}

/** What of a config says how its blocks of keys and values look. */
export interface BlockConfig {
  readonly cache: Pick<CartridgeConfig['cache'], 'dtype' | 'blockTokens' | 'kv'>
  readonly tokens: Pick<CartridgeConfig['tokens'], 'count'>
}

/** The reverse of {@link encodeKvBlock}, on the bytes themselves; float16 is widened when it is used. Throws `E_BAD_FORMAT` on a shape that the config does not imply. */
export async function decodeKvBlock(
  bytes: Uint8Array,
  { config, start }: { config: BlockConfig; start: number },
): Promise<KvBlock> {
  const { dtype } = config.cache
  const tokens = Math.min(config.cache.blockTokens, config.tokens.count - start)
  if (dtype === 'float16' || dtype === 'float32') {
    const { kv } = config.cache
    const layout = layoutOf(kv, tokens, dtype)
    if (layout !== null && bytes.byteLength === layout.size && beginsWith(bytes, layout.header)) {
      const numbers = bytes.subarray(layout.header.byteLength)
      if (dtype === 'float16') return storedBlock({ start, tokens }, kv, halves(numbers))
      return { start, tokens, layers: layersOn(floats(numbers), kv, tokens) }
    }
    // Not in its one form: what follows says what is wrong with it.
  }
  const file = parseLayer(
    bytes,
    config.cache.kv.flatMap(({ layer }) => [`key.${layer}`, `value.${layer}`]),
    dtype,
  )
  const read = reader(file, dtype)
  const layers = []
  for (const { layer, kvHeads, headDim } of config.cache.kv) {
    const dims = [kvHeads, tokens, headDim]
    const key = await read(`key.${layer}`, dims, 'key')
    layers.push({ layer, kvHeads, headDim, key, value: await read(`value.${layer}`, dims, 'value') })
  }
  return { start, tokens, layers }
}

/** Keys and values that lie one behind the other. */
function layersOn(numbers: Float32Array, shapes: readonly BlockShape[], tokens: number): KvLayerBlock[] {
  let end = 0
  const next = (length: number) => {
    end += length
    return numbers.subarray(end - length, end)
  }
  return shapes.map(({ layer, kvHeads, headDim }) => {
    const length = kvHeads * tokens * headDim
    return { layer, kvHeads, headDim, key: next(length), value: next(length) }
  })
}

/** All recurrent layers as one snapshot: `conv.L` `[channels, kernel - 1]` and `ssm.L`. */
export async function encodeRecurrent(layers: readonly RecurrentLayer[], dtype: StateDtype): Promise<Uint8Array> {
  const tensors: SafeTensor[] = []
  for (const { layer, conv, convDims, ssm, ssmDims } of layers) {
    tensors.push(...(await stored(`conv.${layer}`, conv, { dims: convDims, dtype, role: 'conv' })))
    tensors.push(...(await stored(`ssm.${layer}`, ssm, { dims: ssmDims, dtype, role: 'ssm' })))
  }
  return encodeSafetensors(tensors)
}

/** The reverse of {@link encodeRecurrent}, widened to float32. */
export async function decodeRecurrent(
  bytes: Uint8Array,
  { cache }: { readonly cache: Pick<CartridgeConfig['cache'], 'dtype' | 'ssm'> },
): Promise<RecurrentLayer[]> {
  const names = cache.ssm.flatMap(({ layer }) => [`conv.${layer}`, `ssm.${layer}`])
  const read = reader(parseLayer(bytes, names, cache.dtype), cache.dtype)
  const layers: RecurrentLayer[] = []
  for (const { layer, conv: convDims, ssm: ssmDims } of cache.ssm) {
    const conv = await read(`conv.${layer}`, convDims, 'conv')
    layers.push({ layer, convDims, ssmDims, conv, ssm: await read(`ssm.${layer}`, ssmDims, 'ssm') })
  }
  return layers
}

/** Throws `E_INFERENCE` for what comes of NaN or an infinity in a state: such a state says nothing, and nobody could take it in. */
export function assertNumbers(logits: Float32Array): void {
  if (areFinite(logits)) return
  const message =
    'The model computes values here that are no numbers (NaN or infinite): its weights or its config.json are damaged, or its precision is too small for it.'
  throw new StatePackError('E_INFERENCE', message)
}

/** Logits after the last folded token, `logits` float32 `[vocab]`. */
export function encodeLogits(logits: Float32Array): Uint8Array {
  assertNumbers(logits)
  return encodeSafetensors([{ name: 'logits', dtype: 'F32', shape: [logits.length], data: bytesOf(logits) }])
}

export function decodeLogits(bytes: Uint8Array): Float32Array {
  const tensor = parseLayer(bytes, ['logits'], 'float32').tensors.get('logits')
  if (tensor?.dtype !== 'F32' || tensor.shape.length !== 1) throw bad('its logits are not float32 [vocab]')
  return floats(tensor.data)
}

/** SHA-256 of the float32 little-endian logits. */
export function logitsDigest(logits: Float32Array): Digest {
  return sha256(bytesOf(logits))
}

/** State Pack's `blob_sha256`: SHA-256 of RFC 8785 of the cache layers' digests. */
export function blobSha256({ cache }: Pick<CartridgeConfig, 'cache'>): Digest {
  return digestOfList(cache.blocks)
}

async function stored(
  name: string,
  values: Float32Array | Float16Array,
  how: { dims: readonly number[]; dtype: StateDtype; role: TensorRole },
): Promise<SafeTensor[]> {
  const { data, scales, scaleDims } = await encodeTensor(values, how)
  const tensor: SafeTensor = { name, dtype: STORED_AS[how.dtype], shape: how.dims, data }
  if (scales === null || scaleDims === null) return [tensor]
  return [tensor, { name: `${name}.scale`, dtype: 'F32', shape: scaleDims, data: bytesOf(scales) }]
}

type ReadTensor = (name: string, dims: readonly number[], role: TensorRole) => Promise<Float32Array>

/** A layer with exactly these tensors, in this order, in the one form they are written in: nothing can hide beside them. */
function parseLayer(bytes: Uint8Array, names: readonly string[], dtype: StateDtype): SafetensorsFile {
  const file = parseSafetensors(bytes)
  const hasScales = dtype === 'int8' || dtype === 'float8_e4m3'
  const expected = names.flatMap(name => (hasScales ? [name, `${name}.scale`] : [name]))
  const tensors = [...file.tensors.values()]
  if (tensors.map(({ name }) => name).join() !== expected.join()) {
    throw bad(`it has tensors ${[...file.tensors.keys()].join(', ').slice(0, 200)}, expected ${expected.join(', ')}`)
  }
  const header = encodeSafetensorsHeader(tensors)
  if (!beginsWith(bytes, header)) throw bad('its header is not in canonical form')
  return file
}

/** Refuses a layer of numbers that holds one that is not finite: `E_BAD_FORMAT`. A model never makes one. */
export function assertFinite(bytes: Uint8Array): void {
  for (const { name, dtype, data } of parseSafetensors(bytes).tensors.values()) {
    if (!isFiniteData(dtype, data)) throw bad(`tensor ${name} holds a value that is not a finite number`)
  }
}

function isFiniteData(dtype: SafetensorsDtype, data: Uint8Array): boolean {
  const bytes = data.byteOffset % 4 === 0 ? data : data.slice()
  const { buffer, byteOffset, byteLength } = bytes
  if (dtype === 'F32') return areFinite(new Float32Array(buffer, byteOffset, byteLength / 4))
  if (dtype === 'F16') return isFiniteFloat16(new Float16Array(buffer, byteOffset, byteLength / 2))
  if (dtype === 'F8_E4M3') return bytes.every(bits => (bits & 0x7f) !== 0x7f)
  return true
}

/** By their bits: a number that a callback is given is an object of its own, 16 bytes for each of a vocabulary. */
function areFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const bits = new Int32Array(buffer, byteOffset, length)
  for (let i = 0; i < bits.length; i++) if (((bits[i] ?? 0) & 0x7f800000) === 0x7f800000) return false
  return true
}

/** Reads tensors of a layer as float32. Every name, dtype and shape must be the expected one. */
function reader(file: SafetensorsFile, dtype: StateDtype): ReadTensor {
  return async (name, dims, role) => {
    const tensor = expect(file, { name, dtype: STORED_AS[dtype], dims })
    if (dtype === 'float32') return floats(tensor.data)
    if (dtype === 'float16') return new Float32Array(halves(tensor.data))
    const scaleDims = dims.map((dim, i) => (i === (role === 'key' ? 1 : dims.length - 1) ? 1 : dim))
    const scales = floats(expect(file, { name: `${name}.scale`, dtype: 'F32', dims: scaleDims }).data)
    return decodeTensor({ dtype, role, dims, data: tensor.data, scales, scaleDims })
  }
}

function expect(
  { tensors }: SafetensorsFile,
  { name, dtype, dims }: { name: string; dtype: SafetensorsDtype; dims: readonly number[] },
): SafeTensor {
  const tensor = tensors.get(name)
  if (tensor === undefined) throw bad(`tensor ${name} is missing`)
  if (tensor.dtype !== dtype) throw bad(`tensor ${name} has dtype ${tensor.dtype}, expected ${dtype}`)
  if (tensor.shape.length !== dims.length || tensor.shape.some((dim, index) => dim !== dims[index])) {
    throw bad(`tensor ${name} has shape [${tensor.shape}], expected [${dims}]`)
  }
  return tensor
}

/** The bytes as float16, on the buffer they lie on where its alignment allows. */
function halves({ buffer, byteOffset, byteLength }: Uint8Array): Float16Array {
  if (byteOffset % 2 === 0) return new Float16Array(buffer, byteOffset, byteLength / 2)
  return new Float16Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

/** The bytes as float32, on the buffer they lie on where its alignment allows. */
function floats({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  if (byteOffset % 4 === 0) return new Float32Array(buffer, byteOffset, byteLength / 4)
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function bad(what: string): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `Not a readable state: ${what}.`)
}
