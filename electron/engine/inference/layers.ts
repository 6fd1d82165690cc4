import type { KvLayer, NumberedLayer, SsmLayer, StateGeometry } from '#engine/models/model.ts'

export type KvLayerGeometry = KvLayer & { readonly layer: number }
export type SsmLayerGeometry = SsmLayer & { readonly layer: number }

/** The state of every layer with the layer's number, in layer order. */
export function layersOf(geometry: StateGeometry): NumberedLayer[] {
  if (geometry.kind === 'hybrid') return [...geometry.perLayer]
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
