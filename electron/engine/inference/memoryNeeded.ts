import type { Model } from '#engine/models/model.ts'
import { stateBytes } from './stateBytes.ts'

/** What a graph computes in between, for a run of 128 tokens, and the runtime itself. */
const WORKING_BYTES = 96 * 1024 * 1024
/** A context that is worth having: what a model must have room for to be loaded at all. */
const LEAST_TOKENS = 2048

export interface MemoryNeeded {
  readonly weights: number
  /** What a run computes in between. */
  readonly working: number
  /** The state of {@link MemoryNeeded.tokens} tokens. */
  readonly state: number
  readonly tokens: number
  readonly total: number
}

/** Bytes that a model takes on the processor before it is loaded, with the state of a context of 2,048 tokens or its own. */
export function memoryNeeded({
  geometry,
  contextLength,
  loadedBytes: weights,
}: Pick<Model, 'geometry' | 'contextLength' | 'loadedBytes'>): MemoryNeeded {
  const tokens = Math.min(contextLength ?? LEAST_TOKENS, LEAST_TOKENS)
  const { perToken, fixed } = stateBytes(geometry)
  const state = tokens * perToken + fixed
  return { weights, working: WORKING_BYTES, state, tokens, total: weights + WORKING_BYTES + state }
}
