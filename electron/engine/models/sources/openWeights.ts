/** A folder's weights as a graph with its shapes and identity: a safetensors checkpoint, or an ONNX export. */
import type { Digest } from '#shared/domain/digest.ts'
import { canonicalTensors } from '../compile/canonicalTensors.ts'
import { compileGraph, isSupported, prepareArchitecture } from '../compile/compile.ts'
import type { CompiledGraph, ModelComponents, PositionScheme, Precision, StateGeometry } from '../model.ts'
import { type Checkpoint, hasCheckpoint, isBuffer, readCheckpoint } from './checkpoint.ts'
import { openExport } from './export/exportedModel.ts'
import { findExports } from './export/exportFiles.ts'
import { bindComponents, hashTensors, weightsDigest } from './fingerprint.ts'
import type { OpenModelOptions } from './openModel.ts'
import { type ConvertedPrecision, convertedCheckpoint, convertedWeightsDigest } from './precision.ts'

export interface OpenWeights {
  readonly graph: CompiledGraph
  readonly geometry: StateGeometry
  readonly vocabSize: number
  readonly contextLength: number | null
  readonly position: PositionScheme
  readonly config: Readonly<Record<string, unknown>>
  readonly parameters: number
  readonly precision: Precision
  readonly digest: Digest
  readonly components: ModelComponents
}

type Fields = Readonly<Record<string, unknown>>
type Identity = Pick<OpenWeights, 'digest' | 'graph' | 'components'>

/** A checkpoint is preferred, since it can be converted; an export serves where there is none or its architecture is unknown. */
export async function openWeights(folder: string, fields: Fields, options: OpenModelOptions): Promise<OpenWeights> {
  const compilable = (await hasCheckpoint(folder)) && isSupported(fields)
  if (!compilable && (await findExports(folder)).length > 0) return openExport(folder, fields, options)
  const layers = prepareArchitecture(fields)
  const checkpoint = canonicalTensors(await readCheckpoint(folder), layers)
  const graph = compileGraph(layers, checkpoint)
  const digests = await hashTensors(checkpoint, options)
  const digest = weightsDigest([...checkpoint.tensors.values()], digests)
  const precision = options.precision ?? 'float32'
  const identity: Identity =
    precision === 'float32'
      ? { digest, graph, components: bindComponents(checkpoint, layers, digests) }
      : await openConverted({ checkpoint, layers, weightsDigest: digest }, precision, { ...options, folder })
  const { geometry, vocabSize, contextLength, position, config } = layers
  const parameters = parametersOf(checkpoint)
  return { ...identity, geometry, vocabSize, contextLength, position, config, parameters, precision }
}

async function openConverted(
  source: Parameters<typeof convertedCheckpoint>[0],
  precision: ConvertedPrecision,
  options: OpenModelOptions & { folder: string },
): Promise<Identity> {
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
