/** Opens a model folder in Hugging Face layout: everything is checked and fingerprinted before a weight is loaded. */
import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { sha256 } from '#engine/sha256.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { textFields } from '../compile/compile.ts'
import { readConfig } from '../compile/config.ts'
import type { Model, ModelKind, Precision } from '../model.ts'
import { openTokenizer } from '../tokenizer/tokenizer.ts'
import { parsePythonJson } from './configJson.ts'
import { openWeights } from './openWeights.ts'

export interface OpenModelOptions {
  /** Default: the folder's name, or `owner/name` of a hub snapshot. */
  readonly name?: string
  /** Of a checkpoint, default float32: its own values, widened. Of an ONNX export, default the best file there is. */
  readonly precision?: Precision
  /** Where weights in another precision are kept; default the model's own folder. */
  readonly convertedFolder?: string
  /** Numbers converted so far, the first time a precision is asked for. */
  readonly onConvert?: (progress: { done: number; total: number }) => void
  /** Where digests of weights are remembered between openings; without it they are computed each time. */
  readonly cacheFolder?: string
  readonly signal?: AbortSignal
  /** Bytes of weights hashed so far. */
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/**
 * Throws `E_UNKNOWN_MODEL` (no model there), `E_NOT_SUPPORTED` (architecture), `E_MODEL_CONFIG` (a field, named),
 * `E_MODEL_WEIGHTS` (a file or tensor, named), `E_TOKENIZER`, `E_CANCELLED`. The folder may be a link and read-only.
 */
export async function openModel(folder: string, options: OpenModelOptions = {}): Promise<Model> {
  await requireFolder(folder)
  const { bytes: configBytes, fields } = await readConfig(folder)
  const generationConfigBytes = await optionalFile(join(folder, 'generation_config.json'))
  const generation = generationConfigBytes === null ? {} : parsePythonJson(generationConfigBytes)
  const tokenizer = await openTokenizer(folder)
  const weights = await openWeights(folder, fields, options)
  const name = options.name ?? (await nameOf(folder))
  const text = textFields(fields)
  const architecture = String(text.model_type)
  return {
    name,
    folder,
    kind: weights.geometry.kind satisfies ModelKind,
    architecture,
    parameters: weights.parameters,
    vocabSize: weights.vocabSize,
    contextLength: weights.contextLength,
    config: weights.config,
    configBytes,
    generationConfigBytes,
    eosTokenIds: endIds([generation, fields, text], weights.vocabSize),
    geometry: weights.geometry,
    position: weights.position,
    fingerprint: {
      name,
      architecture,
      configDigest: sha256(configBytes),
      weightsDigest: weights.digest,
      tokenizerDigest: tokenizer?.digest ?? null,
      precision: weights.precision,
    },
    components: weights.components,
    tokenizer,
    graph: weights.graph,
  }
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new StatePackError('E_UNKNOWN_MODEL', `There is no model folder ${folder}.`, { folder }, error)
  })
  if (!found.isDirectory()) throw new StatePackError('E_UNKNOWN_MODEL', `${folder} is not a folder.`, { folder })
}

/** null when the file is absent; any other failure is thrown. */
async function optionalFile(path: string): Promise<Uint8Array | null> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

/** `…/models--owner--name/snapshots/<revision>` is `owner/name`. */
async function nameOf(folder: string): Promise<string> {
  const real = await realpath(folder)
  const repository = basename(dirname(dirname(real)))
  if (basename(dirname(real)) === 'snapshots' && repository.startsWith('models--')) {
    return repository.slice('models--'.length).replaceAll('--', '/')
  }
  return basename(folder) === '' ? basename(real) : basename(folder)
}

/** The end ids of every source, in the order of the sources; one beyond the vocabulary can never be generated. */
function endIds(sources: readonly Readonly<Record<string, unknown>>[], vocabSize: number): number[] {
  const ids: unknown[] = sources.flatMap(({ eos_token_id: id }) => (Array.isArray(id) ? id : [id]))
  const known = ids.filter((id): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0)
  return [...new Set(known.filter(id => id < vocabSize))]
}
