import type { CartridgeConfig, StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { KvBlock, RecurrentLayer, StateSnapshot } from '../inference/stateSnapshot.ts'
import { sha256 } from '../sha256.ts'
import { encodeSafetensors, parseSafetensors, type SafeTensor, type SafetensorsFile } from '../store/safetensors.ts'
import { digestOfList } from './components.ts'

/** One KV block as a layer: `key.L` and `value.L`, `[kvHeads, tokens, headDim]`. */
export function encodeKvBlock(block: KvBlock, dtype: StateDtype): Uint8Array {
  return encodeSafetensors(
    block.layers.flatMap(({ layer, kvHeads, headDim, key, value }) => {
      const shape = [kvHeads, block.tokens, headDim]
      return [store(`key.${layer}`, key, shape, dtype), store(`value.${layer}`, value, shape, dtype)]
    }),
  )
}

/** The reverse of {@link encodeKvBlock}, widened to float32. Throws `E_BAD_FORMAT` on a shape that the config does not imply. */
export function decodeKvBlock(
  bytes: Uint8Array,
  { config, start }: { config: Pick<CartridgeConfig, 'cache' | 'tokens'>; start: number },
): KvBlock {
  const file = parseSafetensors(bytes)
  const tokens = Math.min(config.cache.blockTokens, config.tokens.count - start)
  return {
    start,
    tokens,
    layers: config.cache.kv.map(({ layer, kvHeads, headDim }) => {
      const shape = [kvHeads, tokens, headDim]
      return {
        layer,
        kvHeads,
        headDim,
        key: load(file, `key.${layer}`, shape),
        value: load(file, `value.${layer}`, shape),
      }
    }),
  }
}

/** All recurrent layers as one snapshot: `conv.L` `[channels, kernel - 1]` and `ssm.L`. */
export function encodeRecurrent(layers: readonly RecurrentLayer[], dtype: StateDtype): Uint8Array {
  return encodeSafetensors(
    layers.flatMap(({ layer, conv, convDims, ssm, ssmDims }) => [
      store(`conv.${layer}`, conv, convDims, dtype),
      store(`ssm.${layer}`, ssm, ssmDims, dtype),
    ]),
  )
}

/** The reverse of {@link encodeRecurrent}, widened to float32. */
export function decodeRecurrent(bytes: Uint8Array, config: Pick<CartridgeConfig, 'cache'>): RecurrentLayer[] {
  const file = parseSafetensors(bytes)
  return config.cache.ssm.map(({ layer, conv, ssm }) => ({
    layer,
    conv: load(file, `conv.${layer}`, conv),
    convDims: conv,
    ssm: load(file, `ssm.${layer}`, ssm),
    ssmDims: ssm,
  }))
}

/** Logits after the last folded token, `logits` float32 `[vocab]`. */
export function encodeLogits(logits: Float32Array): Uint8Array {
  return encodeSafetensors([{ name: 'logits', dtype: 'F32', shape: [logits.length], data: bytesOf(logits) }])
}

export function decodeLogits(bytes: Uint8Array): Float32Array {
  const file = parseSafetensors(bytes)
  const shape = file.tensors.get('logits')?.shape ?? []
  return load(file, 'logits', shape)
}

/** A snapshot as it will be after storing and restoring it in this dtype. */
export function roundTrip(snapshot: StateSnapshot, dtype: StateDtype): StateSnapshot {
  const again = (values: Float32Array, shape: readonly number[]) => {
    const name = 'tensor'
    return load(parseSafetensors(encodeSafetensors([store(name, values, shape, dtype)])), name, shape)
  }
  return {
    ...snapshot,
    blocks: snapshot.blocks.map(block => ({
      ...block,
      layers: block.layers.map(layer => {
        const shape = [layer.kvHeads, block.tokens, layer.headDim]
        return { ...layer, key: again(layer.key, shape), value: again(layer.value, shape) }
      }),
    })),
    recurrent: snapshot.recurrent.map(layer => ({
      ...layer,
      conv: again(layer.conv, layer.convDims),
      ssm: again(layer.ssm, layer.ssmDims),
    })),
  }
}

/** SHA-256 of the float32 little-endian logits. */
export function logitsDigest(logits: Float32Array): Digest {
  return sha256(bytesOf(logits))
}

/** State Pack's `blob_sha256`: SHA-256 of RFC 8785 of the cache layers' digests. */
export function blobSha256({ cache }: Pick<CartridgeConfig, 'cache'>): Digest {
  return digestOfList(cache.blocks)
}

function store(name: string, values: Float32Array, shape: readonly number[], dtype: StateDtype): SafeTensor {
  if (dtype === 'float32') return { name, dtype: 'F32', shape, data: bytesOf(values) }
  if (dtype === 'float16') return { name, dtype: 'F16', shape, data: bytesOf(Float16Array.from(values)) }
  throw new StatePackError('E_NOT_SUPPORTED', `States cannot be stored as ${dtype} yet.`, { dtype })
}

function load(file: SafetensorsFile, name: string, shape: readonly number[]): Float32Array {
  const tensor = file.tensors.get(name)
  if (tensor === undefined) throw bad(`tensor ${name} is missing`)
  if (tensor.shape.length !== shape.length || tensor.shape.some((dim, index) => dim !== shape[index])) {
    throw bad(`tensor ${name} has shape [${tensor.shape}], expected [${shape}]`)
  }
  const { buffer, byteOffset, byteLength } = tensor.data
  const aligned = buffer.slice(byteOffset, byteOffset + byteLength)
  if (tensor.dtype === 'F32') return new Float32Array(aligned)
  if (tensor.dtype === 'F16') return Float32Array.from(new Float16Array(aligned))
  throw bad(`tensor ${name} has dtype ${tensor.dtype}`)
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function bad(what: string): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `Not a readable state: ${what}.`)
}
