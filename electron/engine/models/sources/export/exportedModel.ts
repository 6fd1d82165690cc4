/** A Hugging Face ONNX export as what openModel needs of it: graph, geometry, identity. */

import { basename } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import { geometryOf } from '../../compile/hybridLayers.ts'
import type { BoundComponent, PositionScheme, Precision } from '../../model.ts'
import { hashTensors, weightsDigest } from '../fingerprint.ts'
import type { PlannedWeights } from '../modelSource.ts'
import { adaptExport } from './adaptExport.ts'
import { type ExportFile, findExports, openExportFile } from './exportFiles.ts'
import { type ConfiguredHeads, stateSlots } from './stateSlots.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The folder's export in the precision asked for, or the best there is. Throws `E_NOT_FOUND` when there is none in that
 * precision, `E_NOT_SUPPORTED` and `E_MODEL_WEIGHTS` naming what is in the way.
 */
export async function planExport(
  folder: string,
  config: Fields,
  precision: Precision | undefined,
): Promise<PlannedWeights> {
  // Models that also see or hear keep the decoder's fields in a section of their own.
  const fields: Fields = { ...config, ...Object(config.text_config) }
  const file = await choose(await findExports(folder), precision)
  const { graph, folder: externalFolder, files, contents } = await openExportFile(file.path)
  const { slots, vocabSize, ...adapted } = intact(file, () => {
    const slots = stateSlots(graph, configuredHeads(fields))
    return { slots, ...adaptExport(graph, slots, { files, vocabSize: numberOf(fields, 'vocab_size') }) }
  })
  const tensors = [...contents.tensors.values()]
  const bytes = tensors.reduce((sum, { length }) => sum + length, 0)
  const precisionOfFile = file.precision === 'float32' ? graph.precision : file.precision
  const quantised = precisionOfFile === 'int8' || precisionOfFile === 'int4'
  return {
    geometry: geometryOf(slots.map(({ layer, shape }) => ({ ...shape, layer }))),
    vocabSize,
    contextLength: contextLengthOf(fields),
    position: positionOf(fields),
    config,
    parameters: graph.parameters,
    precision: precisionOfFile,
    bytes,
    // Its matrices are multiplied as float32 where the processor has no product of their type.
    loadedBytes: quantised ? bytes : Math.max(bytes, 4 * graph.parameters),
    quantisedTypes: [],
    async identify(options) {
      const digest = weightsDigest(tensors, await hashTensors(contents, options))
      const whole: BoundComponent = {
        name: 'export',
        digest,
        shape: [],
        reason: 'An ONNX export does not tell its parts apart: the whole file is bound.',
      }
      return {
        digest,
        graph: { ...adapted, externalFolder, isExport: true },
        components: { embeddings: whole, norms: [whole], mixers: [whole] },
      }
    },
  }
}

/** Refusals name the file; what protobufjs throws half-way through a damaged one becomes one. */
function intact<T>(file: ExportFile, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const name = basename(file.path)
    if (error instanceof StatePackError) {
      throw new StatePackError(error.code, `${name}: ${error.message}`, { ...error.details, file: name }, error)
    }
    throw new StatePackError('E_MODEL_WEIGHTS', `The ONNX file ${name} is damaged.`, { file: name }, error)
  }
}

/** A file's name may say its precision; one that does not may hold any. */
async function choose(found: readonly ExportFile[], precision: Precision | undefined): Promise<ExportFile> {
  const [best] = found
  if (precision === undefined && best !== undefined) return best
  const known = new Set<Precision>()
  for (const file of found) {
    const holds = file.precision === 'float32' ? (await openExportFile(file.path)).graph.precision : file.precision
    if (holds === precision) return file
    known.add(holds)
  }
  throw new StatePackError(
    'E_NOT_FOUND',
    `This model has no ONNX file in ${precision ?? 'any precision'}; it has: ${[...known].join(', ')}.`,
  )
}

const CONTEXT_FIELDS = ['max_position_embeddings', 'n_positions', 'max_sequence_length', 'max_seq_len', 'n_ctx']

function contextLengthOf(fields: Fields): number | null {
  const [length = null] = CONTEXT_FIELDS.map(name => numberOf(fields, name)).filter(value => value !== null)
  return length
}

function configuredHeads(fields: Fields): ConfiguredHeads {
  const heads = numberOf(fields, 'num_attention_heads') ?? numberOf(fields, 'n_head')
  const width = numberOf(fields, 'hidden_size') ?? numberOf(fields, 'n_embd')
  return {
    kvHeads: numberOf(fields, 'num_key_value_heads') ?? heads,
    headDim: numberOf(fields, 'head_dim') ?? (heads === null || width === null ? null : width / heads),
  }
}

/** What config.json says about positions; the graph itself computes them. */
function positionOf(fields: Fields): PositionScheme {
  const rope: Fields = { ...Object(fields.rope_scaling), ...Object(fields.rope_parameters) }
  const theta = numberOf(rope, 'rope_theta') ?? numberOf(fields, 'rope_theta')
  if (theta !== null) {
    const kind = rope.rope_type ?? rope.type
    return {
      scheme: 'rotary',
      parameters: { rope_theta: theta, rope_type: typeof kind === 'string' ? kind : 'default' },
    }
  }
  const length = numberOf(fields, 'n_positions')
  return length === null ? { scheme: 'none', parameters: {} } : { scheme: 'learned', parameters: { length } }
}

function numberOf(fields: Fields, name: string): number | null {
  const value = fields[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
