/** Opens a model folder in Hugging Face layout: everything is checked and fingerprinted before a weight is loaded. */
import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Checkpoint, isBuffer, readCheckpoint } from './checkpoint.ts'
import { compileGraph, prepareArchitecture } from './compile/compile.ts'
import { readConfig } from './config.ts'
import { parsePythonJson } from './configJson.ts'
import { bindComponents, hashTensors, weightsDigest } from './fingerprint.ts'
import type { CompiledGraph, Model, ModelComponents, ModelKind, Precision } from './model.ts'
import { type ConvertedPrecision, convertedCheckpoint, convertedWeightsDigest } from './precision.ts'
import { openTokenizer } from './tokenizer.ts'

export interface OpenModelOptions {
  /** Default: the folder's name, or `owner/name` of a hub snapshot. */
  readonly name?: string
  /** Default float32: the checkpoint's own values, widened. */
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
  const layers = prepareArchitecture(fields)
  const checkpoint = await readCheckpoint(folder)
  const floatGraph = compileGraph(layers, checkpoint)
  const generationConfigBytes = await optionalFile(join(folder, 'generation_config.json'))
  const generation = generationConfigBytes === null ? {} : parsePythonJson(generationConfigBytes)
  const tokenizer = await openTokenizer(folder)
  const digests = await hashTensors(checkpoint, options)
  const from = weightsDigest([...checkpoint.tensors.values()], digests)
  const precision = options.precision ?? 'float32'
  const weights =
    precision === 'float32'
      ? { digest: from, graph: floatGraph, components: bindComponents(checkpoint, layers, digests) }
      : await openConverted({ checkpoint, layers, weightsDigest: from }, precision, { ...options, folder })
  const name = options.name ?? (await nameOf(folder))
  const architecture = String(fields.model_type)
  return {
    name,
    folder,
    kind: layers.geometry.kind satisfies ModelKind,
    architecture,
    parameters: parametersOf(checkpoint),
    vocabSize: layers.vocabSize,
    contextLength: layers.contextLength,
    config: layers.config,
    configBytes,
    generationConfigBytes,
    eosTokenIds: tokenIds(generation.eos_token_id ?? fields.eos_token_id),
    geometry: layers.geometry,
    position: layers.position,
    fingerprint: {
      name,
      architecture,
      configDigest: sha256(configBytes),
      weightsDigest: weights.digest,
      tokenizerDigest: tokenizer?.digest ?? null,
      precision,
    },
    components: weights.components,
    tokenizer,
    graph: weights.graph,
  }
}

async function openConverted(
  source: Parameters<typeof convertedCheckpoint>[0],
  precision: ConvertedPrecision,
  options: OpenModelOptions & { folder: string },
): Promise<{ digest: Digest; graph: CompiledGraph; components: ModelComponents }> {
  const { convertedFolder, signal, folder } = options
  const checkpoint = await convertedCheckpoint(source, precision, {
    folder,
    convertedFolder,
    signal,
    onProgress: options.onConvert,
  })
  const digests = await hashTensors(checkpoint, options)
  const tensors = weightsDigest([...checkpoint.tensors.values()], digests)
  return {
    digest: convertedWeightsDigest(precision, { from: source.weightsDigest, tensors }),
    graph: compileGraph(source.layers, checkpoint),
    components: bindComponents(checkpoint, source.layers, digests),
  }
}

function parametersOf(checkpoint: Checkpoint): number {
  const weights = [...checkpoint.tensors.values()].filter(({ name }) => !isBuffer(name))
  return weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
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

function tokenIds(value: unknown): number[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((id): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0)
}
