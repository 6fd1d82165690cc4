/** Opens a model, a folder or a GGUF file: everything is checked and fingerprinted before a weight is loaded. */
import { stat } from 'node:fs/promises'
import { sha256 } from '#engine/sha256.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Model, Precision } from '../model.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { TokenizerTrialOptions } from '../tokenizer/tokenizerTrial.ts'
import { folderSource } from './folderSource.ts'
import { onlyGgufIn } from './gguf/ggufFolders.ts'
import { ggufSource, isGgufFile } from './gguf/ggufSource.ts'
import type { IdentifyOptions, ModelSource, PlannedWeights } from './modelSource.ts'

export interface OpenModelOptions extends IdentifyOptions, TokenizerTrialOptions {
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
  const tokenizer = await source.openTokenizer(options)
  const weights = await source.planWeights(options.precision)
  const { digest, graph, components } = await weights.identify(options)
  const name = options.name ?? source.name
  const described = describe(source, weights)
  const ends = endIds(source.eosTokenIds, tokenizer, weights.vocabSize)
  return {
    ...described,
    name,
    config: weights.config,
    configBytes: source.configBytes,
    generationConfigBytes: source.generationConfigBytes,
    eosTokenIds: ends.ids,
    notes: [...(tokenizer?.notes ?? []), ...ends.notes],
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
export type ModelDescription = ReturnType<typeof describe> & {
  readonly hasChatTemplate: boolean
  readonly notes: readonly string[]
}

/** Reads headers and no weight. Throws what {@link openModel} throws, but for what only the weights themselves show. */
export async function describeModel(path: string, precision?: Precision): Promise<ModelDescription> {
  const source = await sourceOf(path)
  const tokenizer = await source.describeTokenizer()
  const described = describe(source, await source.planWeights(precision))
  return {
    ...described,
    hasChatTemplate: tokenizer !== null && tokenizer.chatTemplate !== null,
    notes: [...(tokenizer?.notes ?? []), ...endIds(source.eosTokenIds, null, described.vocabSize).notes],
  }
}

function describe(source: ModelSource, weights: PlannedWeights) {
  const { geometry, vocabSize, contextLength, parameters, precision, quantisedTypes, bytes, loadedBytes } = weights
  return {
    folder: source.path,
    kind: geometry.kind,
    architecture: source.architecture,
    ...{ geometry, vocabSize, contextLength, parameters, precision, quantisedTypes, weightsBytes: bytes, loadedBytes },
  }
}

/**
 * Every id that ends a text, whoever names it: the files of the model and the tokenizer say different halves of it (the end
 * of a text, the end of a turn). Ids that the model cannot produce are left out, with a note.
 */
function endIds(named: readonly number[], tokenizer: Tokenizer | null, vocabSize: number) {
  const all = [...new Set(tokenizer?.eosId == null ? named : [...named, tokenizer.eosId])]
  const beyond = all.filter(id => id >= vocabSize)
  const note = `Ids of the end of a text beyond the vocabulary of ${vocabSize} tokens are left out: ${beyond.join(', ')}.`
  return { ids: all.filter(id => id < vocabSize), notes: beyond.length === 0 ? [] : [note] }
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
