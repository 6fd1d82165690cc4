import { layersOf, sizeOf } from '../inference/layers.ts'
import type { StateGeometry } from './model.ts'

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
