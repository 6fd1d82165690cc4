/** What an architecture file exports: from config.json's fields to a graph. */

import type { PositionScheme, StateGeometry } from '../model.ts'
import type { ConfigFields } from './config.ts'
import type { GraphBuilder } from './graphBuilder.ts'
import type { GraphWeights } from './graphWeights.ts'

export interface Architecture {
  /** Reads and checks the whole configuration; throws `E_MODEL_CONFIG` naming the field. */
  prepare(config: ConfigFields): CompiledLayers
}

export interface CompiledLayers {
  /** config.json in one layout, defaults filled in; plain JSON values. */
  readonly config: Readonly<Record<string, unknown>>
  readonly vocabSize: number
  readonly contextLength: number | null
  readonly geometry: StateGeometry
  readonly position: PositionScheme
  /** What the names of all tensors but the head's begin with; checkpoints may have another prefix, or none. */
  readonly base: string
  /** Tensors a checkpoint may hold without the graph using them. */
  readonly unusedTensors: RegExp | null
  /** Which tensors make up components 2, 7 and 8; the first group is the layer. */
  readonly components: { readonly embeddings: readonly string[]; readonly norm: RegExp; readonly mixer: RegExp }
  build(graph: GraphBuilder, weights: GraphWeights): void
}
