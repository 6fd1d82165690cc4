import type { KvLayer, SsmLayer, StateGeometry } from '#engine/models/model.ts'

export type LayerGeometry = (KvLayer | SsmLayer) & { readonly layer: number }
export type KvLayerGeometry = KvLayer & { readonly layer: number }
export type SsmLayerGeometry = SsmLayer & { readonly layer: number }

/** Every layer of a geometry with its number, in layer order. */
export function layersOf(geometry: StateGeometry): LayerGeometry[] {
  if (geometry.kind === 'hybrid') return geometry.perLayer.map((shape, layer) => ({ ...shape, layer }))
  const { layers, ...shape } = geometry
  return Array.from({ length: layers }, (_, layer) => ({ ...shape, layer }))
}

/** The layers that keep keys and values. */
export function kvLayersOf(geometry: StateGeometry): KvLayerGeometry[] {
  return layersOf(geometry).filter(layer => layer.kind === 'kv')
}

/** The layers that keep a recurrent state. */
export function ssmLayersOf(geometry: StateGeometry): SsmLayerGeometry[] {
  return layersOf(geometry).filter(layer => layer.kind === 'ssm')
}

/** Number of elements of a tensor of these dimensions. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}
