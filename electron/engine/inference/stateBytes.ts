import type { StateGeometry } from '../models/model.ts'
import { layersOf, sizeOf } from './layers.ts'

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
