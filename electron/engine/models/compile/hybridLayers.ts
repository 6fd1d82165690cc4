/** What models with attention and recurrent layers have in common. */
import type { KvLayer, NumberedLayer, SsmLayer, StateGeometry } from '../model.ts'
import type { DecoderFrame } from './decoderFrame.ts'
import { KeyValueAttention } from './keyValueAttention.ts'
import type { RopeConfig } from './ropeScaling.ts'
import { type RotaryEmbedding, RotaryEmbeddings } from './rotary.ts'

/** The attention of a model that has other layers, too, and its positions; null where no layer is attention. */
export function hybridAttention(
  frame: DecoderFrame,
  c: { readonly attends: readonly boolean[]; readonly rope: RopeConfig | null },
): { readonly attention: KeyValueAttention; readonly rotary: RotaryEmbedding | null } | null {
  if (!c.attends.includes(true)) return null
  const attention = new KeyValueAttention(frame)
  return { attention, rotary: new RotaryEmbeddings(attention, c.rope?.contextLength ?? 0).of(c.rope) }
}

/** The state of every layer, in layer order; a layer with both kinds has two entries. */
export function hybridGeometry(
  layers: number,
  stateOf: (layer: number) => readonly (KvLayer | SsmLayer)[],
): StateGeometry {
  const numbers = Array.from({ length: layers }, (_, layer) => layer)
  return geometryOf(numbers.flatMap(layer => stateOf(layer).map(state => ({ ...state, layer }))))
}

/** States that are the same in every layer say their shape once: such a model is a transformer, or recurrent, and no hybrid. */
export function geometryOf(perLayer: readonly NumberedLayer[]): StateGeometry {
  const [first] = perLayer
  const uniform = perLayer.every(
    (state, index) =>
      JSON.stringify({ ...state, layer: 0 }) === JSON.stringify({ ...first, layer: 0 }) && state.layer === index,
  )
  if (first === undefined || !uniform) return { kind: 'hybrid', perLayer }
  const { layer: _, ...shape } = first
  return { ...shape, layers: perLayer.length }
}

/** Where both kinds of a model's layers have their weights: `model.layers.N.<one of these>.` */
export function hybridComponents(mixers: readonly string[], norms: { layer: string; final: string }) {
  return {
    embeddings: ['model.embed_tokens.weight'],
    norm: new RegExp(`^model\\.(?:layers\\.(\\d+)\\.(?:${norms.layer})|${norms.final})\\.`),
    mixer: new RegExp(`^model\\.layers\\.(\\d+)\\.(?:${mixers.join('|')})\\.`),
  }
}
