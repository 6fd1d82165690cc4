/** Compiles a model folder for these tests: the graph and its shapes only, no tokenizer, no fingerprints. */
import { basename, resolve } from 'node:path'
import type { RunnableModel } from '#engine/inference/runtime.ts'
import { canonicalTensors } from '#engine/models/compile/canonicalTensors.ts'
import { compileGraph, prepareArchitecture } from '#engine/models/compile/compile.ts'
import { readConfig } from '#engine/models/compile/config.ts'
import { readCheckpoint } from '#engine/models/sources/checkpoint.ts'

export const STARTERS = ['assets/models/starter-transformer', 'assets/models/starter-mamba'] as const

/** Small models of the reference, one for each way in which attention and a recurrence go together. */
export const HYBRIDS = ['lfm2', 'falcon-h1', 'granite-hybrid', 'qwen3.5'].map(name => `test/golden/${name}`)

export async function runnableModel(folder: string): Promise<RunnableModel> {
  const path = resolve(folder)
  const layers = prepareArchitecture((await readConfig(path)).fields)
  const { vocabSize, contextLength, geometry } = layers
  const graph = compileGraph(layers, canonicalTensors(await readCheckpoint(path), layers))
  return { name: basename(path), kind: geometry.kind, vocabSize, contextLength, geometry, graph }
}
