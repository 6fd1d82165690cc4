/** A checkpoint's weights as a graph with its shapes and identity, whatever kind of file holds the tensors. */
import type { Digest } from '#shared/domain/digest.ts'
import type { CompiledLayers } from '../compile/architecture.ts'
import { compileGraph, planWeights } from '../compile/compile.ts'
import type { Precision } from '../model.ts'
import { type Checkpoint, isBuffer } from './checkpoint.ts'
import { bindComponents, hashTensors, type TensorDigests, weightsDigest } from './fingerprint.ts'
import { isQuantised } from './gguf/ggufBlocks.ts'
import { loadedBytes } from './loadedBytes.ts'
import type { IdentifiedWeights, IdentifyOptions, PlannedWeights } from './modelSource.ts'
import { packedCheckpoint } from './packedFile.ts'
import { type ConvertedPrecision, convertedCheckpoint, convertedWeightsDigest } from './precision.ts'

export interface CheckpointSource {
  readonly layers: CompiledLayers
  /** Under the names that the compiler knows. */
  readonly checkpoint: Checkpoint
  /** Under the names in the files: what the model's identity is made of. */
  readonly stored: Checkpoint
  readonly precision: Precision
}

/** Throws `E_MODEL_WEIGHTS` when a tensor is missing, superfluous or of another shape than the configuration implies. */
export function planCheckpoint(source: CheckpointSource): PlannedWeights {
  const { layers, checkpoint, stored, precision } = source
  const { geometry, vocabSize, contextLength, position, config } = layers
  const tensors = [...stored.tensors.values()]
  const uses = planWeights(layers, checkpoint)
  return {
    ...{ geometry, vocabSize, contextLength, position, config, precision },
    parameters: parametersOf(checkpoint),
    bytes: tensors.reduce((sum, { length }) => sum + length, 0),
    loadedBytes: loadedBytes(checkpoint, uses, precision),
    quantisedTypes: bySize(stored),
    async identify(options) {
      const digests = await hashTensors(stored, options)
      const digest = weightsDigest(tensors, digests)
      return precision === 'float32'
        ? identifyOwn(source, { digest, digests }, options)
        : identifyConverted(source, { digest, precision }, options)
    },
  }
}

/** The numbers of the files themselves; those that were quantised are laid out for the runtime when it loads them. */
async function identifyOwn(
  { layers, checkpoint, stored }: CheckpointSource,
  { digest, digests }: { digest: Digest; digests: TensorDigests },
  options: IdentifyOptions,
): Promise<IdentifiedWeights> {
  const places = new Map([...stored.tensors.values()].map(({ name, file, offset }) => [`${offset} ${file}`, name]))
  const named = new Map<string, Digest>()
  for (const { name, file, offset } of checkpoint.tensors.values()) {
    const own = digests.get(places.get(`${offset} ${file}`) ?? '')
    if (own !== undefined) named.set(name, own)
  }
  const components = bindComponents(checkpoint, layers, named)
  const quantised = [...checkpoint.tensors.values()].some(({ dtype }) => isQuantised(dtype))
  if (!quantised) return { digest, components, graph: compileGraph(layers, checkpoint) }
  const source = { checkpoint, layers, weightsDigest: digest }
  const { convertedFolder: folder = checkpoint.folder, cacheFolder } = options
  const packed = packedCheckpoint(source, { folder, cacheFolder })
  return { digest, components, graph: { ...compileGraph(layers, packed.checkpoint), prepare: packed.prepare } }
}

async function identifyConverted(
  { layers, checkpoint }: CheckpointSource,
  { digest, precision }: { digest: Digest; precision: ConvertedPrecision },
  options: IdentifyOptions,
): Promise<IdentifiedWeights> {
  const { convertedFolder = checkpoint.folder, signal, onConvert } = options
  const source = { checkpoint, layers, weightsDigest: digest }
  const converted =
    precision === 'float16' && isHalf(checkpoint)
      ? checkpoint
      : await convertedCheckpoint(source, precision, { folder: convertedFolder, signal, onProgress: onConvert })
  const digests = await hashTensors(converted, options)
  const tensors = weightsDigest([...converted.tensors.values()], digests)
  return {
    digest: convertedWeightsDigest(precision, { from: digest, tensors }),
    graph: compileGraph(layers, converted),
    components: bindComponents(converted, layers, digests),
  }
}

/** Matrices and tables in float16 already: a copy in float16 would hold the same numbers. */
function isHalf({ tensors }: Checkpoint): boolean {
  return [...tensors.values()].every(({ name, dtype, shape }) => isBuffer(name) || shape.length < 2 || dtype === 'F16')
}

function parametersOf(checkpoint: Checkpoint): number {
  const weights = [...checkpoint.tensors.values()].filter(({ name }) => !isBuffer(name))
  return weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
}

/** The quantised types, the one with most bytes first. */
function bySize({ tensors }: Checkpoint): string[] {
  const sizes = new Map<string, number>()
  for (const { dtype, length } of tensors.values()) {
    if (isQuantised(dtype)) sizes.set(dtype, (sizes.get(dtype) ?? 0) + length)
  }
  return [...sizes].sort(([, a], [, b]) => b - a).map(([type]) => type)
}
