/** A model's weights in float16, int8 or int4: converted once, kept beside the model, tied to the weights they came from. */
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { sha256 } from '#engine/sha256.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { CompiledLayers } from '../compile/architecture.ts'
import { planWeights } from '../compile/compile.ts'
import { BLOCK } from '../compile/quantise.ts'
import type { Precision } from '../model.ts'
import { type Checkpoint, readCheckpointFile } from './checkpoint.ts'
import { convertCheckpoint } from './convertCheckpoint.ts'

export type ConvertedPrecision = Exclude<Precision, 'float32'>

export interface ConvertOptions {
  /** Where converted files are kept; default the model's own folder. */
  readonly convertedFolder?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/** How the numbers are made; part of the fingerprint, so a change of method is another model. */
const METHODS: Readonly<Record<ConvertedPrecision, string>> = {
  float16: 'float16 v1: matrices and tables rounded to nearest, vectors float32',
  int8: `int8 v1: symmetric blocks of ${BLOCK} inputs, float32 scales, activations int8`,
  int4: `int4 v1: symmetric blocks of ${BLOCK} inputs, float32 scales, activations int8`,
}

/** The file's name in the model's folder, `statepack-int4.safetensors` say. */
export function convertedName(precision: ConvertedPrecision): string {
  return `statepack-${precision}.safetensors`
}

/**
 * Opens the converted weights of `source`, making them first when there are none, or when they were made from other
 * weights or by another method. Throws what converting and reading throw.
 */
export async function convertedCheckpoint(
  source: { checkpoint: Checkpoint; layers: CompiledLayers; weightsDigest: Digest },
  precision: ConvertedPrecision,
  { folder, ...options }: ConvertOptions & { folder: string },
): Promise<Checkpoint> {
  const path = join(options.convertedFolder ?? folder, convertedName(precision))
  const metadata = { made_from: source.weightsDigest, method: METHODS[precision] }
  const known = await readCheckpointFile(path).catch(() => null)
  if (known?.metadata.made_from === metadata.made_from && known.metadata.method === metadata.method) return known
  await requireWritable(options.convertedFolder ?? folder, precision)
  const { matrices, whole } = planWeights(source.layers, source.checkpoint)
  await convertCheckpoint(source.checkpoint, path, { precision, matrices, whole, metadata, ...options })
  return readCheckpointFile(path)
}

/** The weights digest of a converted model: the converted file's own, bound to what it was made from and how. */
export function convertedWeightsDigest(
  precision: ConvertedPrecision,
  digests: { from: Digest; tensors: Digest },
): Digest {
  return sha256(canonicalBytes({ ...digests, method: METHODS[precision] }))
}

async function requireWritable(folder: string, precision: ConvertedPrecision): Promise<void> {
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new StatePackError(
      'E_READ_ONLY',
      `The ${precision} weights cannot be kept in ${folder}: it is read-only.`,
      { folder },
      error,
    )
  })
}
