/** Opens a model, a folder or a GGUF file: everything is checked and fingerprinted before a weight is loaded. */
import { stat } from 'node:fs/promises'
import { sha256 } from '#engine/sha256.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Model, Precision } from '../model.ts'
import { folderSource } from './folderSource.ts'
import { onlyGgufIn } from './gguf/ggufFolders.ts'
import { ggufSource, isGgufFile } from './gguf/ggufSource.ts'
import type { IdentifyOptions, ModelSource, PlannedWeights } from './modelSource.ts'

export interface OpenModelOptions extends IdentifyOptions {
  /** Default: the folder's or file's name, or `owner/name` of a hub snapshot. */
  readonly name?: string
  /** Of a checkpoint or a GGUF file, default float32: its own values, widened. Of an ONNX export, default the best file there is. */
  readonly precision?: Precision
}

/**
 * Throws `E_UNKNOWN_MODEL` (no model there), `E_NOT_SUPPORTED` (architecture, type), `E_MODEL_CONFIG` (a field, named),
 * `E_MODEL_WEIGHTS` (a file or tensor, named), `E_TOKENIZER`, `E_CANCELLED`. The path may be a link and read-only.
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  const source = await sourceOf(path)
  const tokenizer = await source.openTokenizer()
  const weights = await source.planWeights(options.precision)
  const { digest, graph, components } = await weights.identify(options)
  const name = options.name ?? source.name
  const described = describe(source, weights)
  return {
    ...described,
    name,
    config: weights.config,
    configBytes: source.configBytes,
    generationConfigBytes: source.generationConfigBytes,
    eosTokenIds: source.eosTokenIds.filter(id => id < weights.vocabSize),
    position: weights.position,
    fingerprint: {
      name,
      architecture: described.architecture,
      configDigest: sha256(source.configBytes),
      weightsDigest: digest,
      tokenizerDigest: tokenizer?.digest ?? null,
      precision: weights.precision,
    },
    components,
    tokenizer,
    graph,
  }
}

/** What can be said of a model from its headers alone. */
export type ModelDescription = ReturnType<typeof describe> & { readonly hasChatTemplate: boolean }

/** Reads headers and no weight. Throws what {@link openModel} throws, but for what only the weights themselves show. */
export async function describeModel(path: string, precision?: Precision): Promise<ModelDescription> {
  const source = await sourceOf(path)
  const hasChatTemplate = (await source.chatTemplate()) !== null
  return { ...describe(source, await source.planWeights(precision)), hasChatTemplate }
}

function describe(source: ModelSource, weights: PlannedWeights) {
  const { geometry, vocabSize, contextLength, parameters, precision, quantisedTypes, bytes } = weights
  return {
    folder: source.path,
    kind: geometry.kind,
    architecture: source.architecture,
    ...{ geometry, vocabSize, contextLength, parameters, precision, quantisedTypes, weightsBytes: bytes },
  }
}

async function sourceOf(path: string): Promise<ModelSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw new StatePackError('E_UNKNOWN_MODEL', `There is no model at ${path}.`, { folder: path }, error)
  })
  if (found.isDirectory()) {
    const file = onlyGgufIn(path)
    return file === null ? folderSource(path) : ggufSource(file)
  }
  if (await isGgufFile(path)) return ggufSource(path)
  throw new StatePackError('E_UNKNOWN_MODEL', `${path} is neither a model's folder nor a GGUF file.`, { folder: path })
}
