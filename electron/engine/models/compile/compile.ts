/** From a configuration and a checkpoint's tensor table to an ONNX graph; reads no weight. */
import { StatePackError } from '#shared/domain/error.ts'
import type { CompiledGraph } from '../model.ts'
import type { Checkpoint } from '../sources/checkpoint.ts'
import type { Architecture, CompiledLayers } from './architecture.ts'
import { hasHead } from './canonicalTensors.ts'
import { ConfigFields, TEXT_CONFIG } from './config.ts'
import { falconH1 } from './falconH1.ts'
import { gemma3 } from './gemma3.ts'
import { gpt2 } from './gpt2.ts'
import { granite } from './granite.ts'
import { graniteHybrid } from './graniteHybrid.ts'
import { GraphBuilder } from './graphBuilder.ts'
import { GraphWeights } from './graphWeights.ts'
import { lfm2 } from './lfm2.ts'
import { llama } from './llama.ts'
import { mamba } from './mamba.ts'
import { mamba2 } from './mamba2.ts'
import { mistral } from './mistral.ts'
import { olmo2 } from './olmo2.ts'
import { phi3 } from './phi3.ts'
import { qwen2 } from './qwen2.ts'
import { qwen3 } from './qwen3.ts'
import { qwen35 } from './qwen35.ts'
import { smollm3 } from './smollm3.ts'

/** By `model_type` of config.json. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  ...{ gpt2, llama, mistral, qwen2, qwen3, gemma3_text: gemma3, phi3, smollm3, granite, olmo2 },
  ...{ mamba, mamba2 },
  ...{ lfm2, falcon_h1: falconH1, granitemoehybrid: graniteHybrid, qwen3_5_text: qwen35 },
}

const SUPPORTED_ARCHITECTURES: readonly string[] = Object.keys(ARCHITECTURES)

type Fields = Readonly<Record<string, unknown>>

/** What an architecture made of a configuration. */
export interface PreparedLayers extends CompiledLayers {
  /** The text part of a model that also sees or hears. */
  readonly wrapped: boolean
}

export function isSupported(fields: Fields): boolean {
  return architectureOf(textFields(fields)) !== null
}

/** The fields that describe the language model. A model that also sees or hears has them in a section of their own. */
export function textFields(fields: Fields): Fields {
  const section = fields[TEXT_CONFIG]
  return typeof section !== 'object' || section === null || architectureOf(fields) !== null ? fields : { ...section }
}

/**
 * `files`: the weights, where they are there already. Throws `E_NOT_SUPPORTED` for an unknown `model_type`, `E_MODEL_CONFIG`
 * for a field the architecture does not support.
 */
export function prepareArchitecture(fields: Fields, files: Checkpoint | null = null): PreparedLayers {
  const text = textFields(fields)
  const wrapped = text !== fields
  const architecture = architectureOf(text)
  if (architecture === null) {
    const type = JSON.stringify(text.model_type ?? null)
    throw new StatePackError(
      'E_NOT_SUPPORTED',
      `The architecture ${type} (model_type in config.json) is not supported; supported: ${SUPPORTED_ARCHITECTURES.join(', ')}.`,
      { field: wrapped ? `${TEXT_CONFIG}.model_type` : 'model_type' },
    )
  }
  const own = wrapped ? { ...text, tie_word_embeddings: isTied(fields, text, files) } : text
  const layers = architecture.prepare(new ConfigFields(own, wrapped ? `${TEXT_CONFIG}.` : ''))
  return { ...layers, wrapped }
}

/**
 * Whether a model that also sees or hears has one table for both ends. Inside the section and outside it stand defaults of
 * two classes that files write out, or neither: where they do not agree, the weights say whether there is a head.
 */
function isTied(fields: Fields, text: Fields, files: Checkpoint | null): unknown {
  const [outer = null, inner = null] = [fields.tie_word_embeddings, text.tie_word_embeddings]
  return outer === inner && outer !== null ? outer : files === null ? (inner ?? outer) : !hasHead(files)
}

function architectureOf({ model_type: type }: Fields): Architecture | null {
  return typeof type === 'string' && Object.hasOwn(ARCHITECTURES, type) ? (ARCHITECTURES[type] ?? null) : null
}

/** Throws `E_MODEL_WEIGHTS` when a tensor is missing, superfluous or of another shape than the configuration implies. */
export function compileGraph(layers: CompiledLayers, checkpoint: Checkpoint): CompiledGraph {
  const build = (evenRows: boolean) => {
    const graph = new GraphBuilder('', { evenRows })
    const weights = new GraphWeights(graph, checkpoint)
    layers.build(graph, weights)
    weights.finish(layers.unusedTensors)
    return graph
  }
  const graph = build(false)
  return {
    bytes: graph.encode('decoder'),
    onHost: () => build(true).encode('decoder'),
    externalFolder: checkpoint.folder,
    inputs: graph.inputs,
    outputs: graph.outputs,
  }
}

/** Which tensors the graph multiplies with and which it needs as they are, by full name. Throws what {@link compileGraph} throws. */
export function planWeights(layers: CompiledLayers, checkpoint: Checkpoint): Pick<GraphWeights, 'matrices' | 'whole'> {
  const graph = new GraphBuilder()
  // Only names and shapes matter here: the tensors may be of types that the graph cannot read before they are converted.
  const tensors = new Map([...checkpoint.tensors].map(([name, tensor]) => [name, { ...tensor, dtype: 'F32' }]))
  const weights = new GraphWeights(graph, { ...checkpoint, tensors })
  layers.build(graph, weights)
  weights.finish(layers.unusedTensors)
  return weights
}
