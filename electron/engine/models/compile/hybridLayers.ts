/** What models with attention and recurrent layers have in common. */
import type { KvLayer, SsmLayer, StateGeometry } from '../model.ts'

/** The state of every layer, in layer order; a layer with both kinds has two entries. */
export function hybridGeometry(
  layers: number,
  stateOf: (layer: number) => readonly (KvLayer | SsmLayer)[],
): StateGeometry {
  const perLayer = Array.from({ length: layers }, (_, layer) =>
    stateOf(layer).map(state => ({ ...state, layer })),
  ).flat()
  return { kind: 'hybrid', perLayer }
}

/** Where both kinds of a model's layers have their weights: `model.layers.N.<one of these>.` */
export function hybridComponents(mixers: readonly string[], norms: { layer: string; final: string }) {
  return {
    embeddings: ['model.embed_tokens.weight'],
    norm: new RegExp(`^model\\.(?:layers\\.(\\d+)\\.(?:${norms.layer})|${norms.final})\\.`),
    mixer: new RegExp(`^model\\.layers\\.(\\d+)\\.(?:${mixers.join('|')})\\.`),
  }
}
