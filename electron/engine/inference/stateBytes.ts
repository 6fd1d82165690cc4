import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { StateGeometry } from '../models/model.ts'
import { layersOf, sizeOf } from './layers.ts'
import { BLOCK_TOKENS } from './stateSnapshot.ts'

/** Bytes of a float32 state: what each token adds, and the part that is the same whatever the length. */
export function stateBytes(geometry: StateGeometry): { perToken: number; fixed: number } {
  let perToken = 0
  let fixed = 0
  for (const layer of layersOf(geometry)) {
    if (layer.kind === 'kv') perToken += 2 * layer.kvHeads * layer.headDim * 4
    else fixed += (sizeOf(layer.conv) + sizeOf(layer.ssm)) * 4
  }
  return { perToken, fixed }
}

/** Of one number of a stored state. */
export const NUMBER_BYTES: Readonly<Record<StateDtype, number>> = { float32: 4, float16: 2, int8: 1, float8_e4m3: 1 }
const SCALE_BYTES = 4

/** Bytes of the numbers of a state of so many tokens as it is stored in a dtype, scales included. */
export function storedStateBytes(geometry: StateGeometry, { tokens, dtype }: { tokens: number; dtype: StateDtype }) {
  const perNumber = NUMBER_BYTES[dtype]
  // A scale for each channel of the keys of a block; otherwise one for each row of the last dimension.
  const perScale = perNumber === 1 ? SCALE_BYTES : 0
  const blocks = Math.ceil(tokens / BLOCK_TOKENS)
  let bytes = 0
  for (const layer of layersOf(geometry)) {
    if (layer.kind === 'kv') {
      const { kvHeads, headDim } = layer
      bytes += 2 * tokens * kvHeads * headDim * perNumber + (blocks * kvHeads * headDim + tokens * kvHeads) * perScale
      continue
    }
    for (const dims of [layer.conv, layer.ssm]) bytes += sizeOf(dims) * perNumber + sizeOf(dims.slice(0, -1)) * perScale
  }
  return bytes
}
