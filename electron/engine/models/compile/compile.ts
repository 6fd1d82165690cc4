/** From a configuration and a checkpoint's tensor table to an ONNX graph; reads no weight. */
import { StatePackError } from '#shared/domain/error.ts'
import type { CompiledGraph } from '../model.ts'
import type { Checkpoint } from '../sources/checkpoint.ts'
import type { Architecture, CompiledLayers } from './architecture.ts'
import { ConfigFields } from './config.ts'
import { gpt2 } from './gpt2.ts'
import { GraphBuilder } from './graphBuilder.ts'
import { GraphWeights } from './graphWeights.ts'
import { llama } from './llama.ts'
import { mamba } from './mamba.ts'
import { mamba2 } from './mamba2.ts'
import { mistral } from './mistral.ts'
import { qwen2 } from './qwen2.ts'
import { qwen3 } from './qwen3.ts'

/** By `model_type` of config.json. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = { gpt2, llama, mamba, mamba2, mistral, qwen2, qwen3 }

export const SUPPORTED_ARCHITECTURES: readonly string[] = Object.keys(ARCHITECTURES)

export function isSupported(fields: Readonly<Record<string, unknown>>): boolean {
  return typeof fields.model_type === 'string' && Object.hasOwn(ARCHITECTURES, fields.model_type)
}

/** Throws `E_NOT_SUPPORTED` for an unknown `model_type`, `E_MODEL_CONFIG` for a field the architecture does not support. */
export function prepareArchitecture(fields: Readonly<Record<string, unknown>>): CompiledLayers {
  const type = fields.model_type
  const architecture = typeof type === 'string' && Object.hasOwn(ARCHITECTURES, type) ? ARCHITECTURES[type] : undefined
  if (architecture === undefined) {
    throw new StatePackError(
      'E_NOT_SUPPORTED',
      `The architecture ${JSON.stringify(type ?? null)} (model_type in config.json) is not supported; supported: ${SUPPORTED_ARCHITECTURES.join(', ')}.`,
      { field: 'model_type' },
    )
  }
  return architecture.prepare(new ConfigFields(fields))
}

/** Throws `E_MODEL_WEIGHTS` when a tensor is missing, superfluous or of another shape than the configuration implies. */
export function compileGraph(layers: CompiledLayers, checkpoint: Checkpoint): CompiledGraph {
  const graph = new GraphBuilder()
  const weights = new GraphWeights(graph, checkpoint, layers.prefix)
  layers.build(graph, weights)
  weights.finish(layers.unusedTensors)
  return {
    bytes: graph.encode('decoder'),
    externalFolder: checkpoint.folder,
    inputs: graph.inputs,
    outputs: graph.outputs,
  }
}

/** Which tensors the graph multiplies with and which it needs as they are, by full name. */
export function planWeights(layers: CompiledLayers, checkpoint: Checkpoint): Pick<GraphWeights, 'matrices' | 'whole'> {
  const graph = new GraphBuilder()
  const weights = new GraphWeights(graph, checkpoint, layers.prefix)
  layers.build(graph, weights)
  return weights
}
