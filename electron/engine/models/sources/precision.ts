/** A model's weights in another form: converted once, kept beside the model, tied to the weights they came from. */
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { CompiledLayers } from '../compile/architecture.ts'
import { planWeights } from '../compile/compile.ts'
import { BLOCKS } from '../compile/quantise.ts'
import type { Precision } from '../model.ts'
import { type Checkpoint, readCheckpointFile } from './checkpoint.ts'
import { convertCheckpoint } from './convertCheckpoint.ts'

export type ConvertedPrecision = Exclude<Precision, 'float32'>
/** `packed`: the numbers of a quantised GGUF file themselves, laid out as the runtime reads them. */
export type ConvertedForm = ConvertedPrecision | 'packed'

export interface ConvertOptions {
  /** Where converted files are kept. */
  readonly folder: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/** What is converted. */
export interface ConvertedSource {
  readonly checkpoint: Checkpoint
  readonly layers: CompiledLayers
  readonly weightsDigest: Digest
}

/** How the numbers are made; part of the fingerprint, so a change of method is another model. */
const METHODS: Readonly<Record<ConvertedForm, string>> = {
  packed: 'packed v2: 4-bit codes and tables as stored, float32 scales and offsets, other matrices float32',
  float16: 'float16 v1: matrices and tables rounded to nearest, vectors float32',
  int8: `int8 v2: symmetric blocks of ${BLOCKS[8]} inputs, float32 scales, activations int8`,
  int4: `int4 v3: 4-bit codes as stored and 8 bits beside them, else closest blocks of ${BLOCKS[4]} inputs, float32 scales, zero points, head as int8 v2, activations int8`,
}

/** The file's name in the model's folder, `statepack-int4.safetensors` say. */
export function convertedName(precision: ConvertedForm): string {
  return `statepack-${precision}.safetensors`
}

/**
 * Opens the converted weights of `source`, making them first when there are none, or when they were made from other
 * weights or by another method. Throws what converting and reading throw.
 */
export async function convertedCheckpoint(
  source: ConvertedSource,
  form: ConvertedForm,
  { folder, ...options }: ConvertOptions,
): Promise<Checkpoint> {
  const path = join(folder, convertedName(form))
  const conversion = conversionOf(source, form)
  const { made_from, method } = conversion.metadata
  const known = await readCheckpointFile(path).catch(() => null)
  if (known?.metadata.made_from === made_from && known.metadata.method === method) return known
  await requireWritable(folder, form)
  await convertCheckpoint(source.checkpoint, path, { ...conversion, ...options })
  return readCheckpointFile(path)
}

/** What is converted, and how that is recorded. */
export function conversionOf({ checkpoint, layers, weightsDigest }: ConvertedSource, form: ConvertedForm) {
  const { matrices, whole } = planWeights(layers, checkpoint)
  return { form, matrices, whole, metadata: { made_from: weightsDigest, method: METHODS[form] } }
}

/** The weights digest of a converted model: the converted file's own, bound to what it was made from and how. */
export function convertedWeightsDigest(
  precision: ConvertedPrecision,
  digests: { from: Digest; tensors: Digest },
): Digest {
  return sha256(canonicalBytes({ ...digests, method: METHODS[precision] }))
}

async function requireWritable(folder: string, form: ConvertedForm): Promise<void> {
  const made = mkdir(folder, { recursive: true }).then(() => access(folder, constants.W_OK))
  await made.catch((error: unknown) => {
    throw new StatePackError(
      'E_READ_ONLY',
      `The ${form} weights cannot be kept in ${folder}: it is read-only.`,
      { folder },
      error,
    )
  })
}
