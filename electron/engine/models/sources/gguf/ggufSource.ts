/** A GGUF file, or the parts of one, as a model. */
import { basename } from 'node:path'
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type PreparedLayers, prepareArchitecture } from '../../compile/compile.ts'
import { openTokenizer } from '../../tokenizer/tokenizer.ts'
import { tokenizerFiles } from '../../tokenizer/tokenizerFiles.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { planCheckpoint } from '../checkpointWeights.ts'
import { openModelFile } from '../modelFile.ts'
import type { ModelSource } from '../modelSource.ts'
import { openTensorRows } from '../tensorRows.ts'
import { GGUF_ARCHITECTURES, ggufConfig } from './ggufConfig.ts'
import { GgufFields } from './ggufFields.ts'
import { type GgufFile, openGgufFile } from './ggufFile.ts'
import { ggufModelName } from './ggufFolders.ts'
import { ggufCheckpoint, ROPE_FACTORS } from './ggufNames.ts'
import { ggufTokenizer } from './ggufTokenizer.ts'
import type { RopeFactors } from './ggufTransformer.ts'

/**
 * Reads and checks the header. Throws `E_MODEL_WEIGHTS` for a file that is damaged, `E_NOT_SUPPORTED` for a type or an
 * architecture, by name, `E_MODEL_CONFIG` and `E_TOKENIZER` for keys.
 */
export async function ggufSource(path: string): Promise<ModelSource> {
  const file = await openGgufFile(path)
  const fields = new GgufFields(file)
  const stored = storedTensors(file)
  const config = ggufConfig(fields, await ropeFactors(stored))
  if (config === null) {
    const message = `${basename(path)} is a model of the architecture ${JSON.stringify(fields.architecture)}, which is not supported; supported: ${GGUF_ARCHITECTURES.join(', ')}.`
    throw new StatePackError('E_NOT_SUPPORTED', message, { field: 'general.architecture' })
  }
  const tokenizer = ggufTokenizer(file.metadata)
  return {
    name: ggufModelName(path),
    path,
    configBytes: configBytes(config, basename(path)),
    architecture: String(config.model_type),
    generationConfigBytes: null,
    eosTokenIds: tokenizer?.eosTokenIds ?? [],
    openTokenizer: async options =>
      tokenizer === null ? null : openTokenizer({ kind: 'parsed', files: tokenizer.files }, options),
    describeTokenizer: async () =>
      tokenizer === null ? null : tokenizerFiles({ kind: 'parsed', files: tokenizer.files }),
    async planWeights(precision = 'float32') {
      const layers = prepared(config, basename(path))
      return planCheckpoint({ layers, checkpoint: ggufCheckpoint(file, fields), stored, precision })
    },
  }
}

/** Sizes of zero that others are divided by, and factors of the file's own, can make numbers that no config.json has. */
function configBytes(config: Readonly<Record<string, unknown>>, file: string): Uint8Array {
  try {
    return canonicalBytes(config)
  } catch (error) {
    const message = `The metadata of ${file} gives a number that is not finite.`
    throw new StatePackError('E_MODEL_CONFIG', message, { file }, error)
  }
}

/** The compiler speaks of config.json, which this file stands for. */
function prepared(config: Readonly<Record<string, unknown>>, file: string): PreparedLayers {
  try {
    return prepareArchitecture(config)
  } catch (error) {
    if (!(error instanceof StatePackError)) throw error
    const message = error.message.replace('config.json:', `The metadata of ${file}, read as config.json:`)
    throw new StatePackError(error.code, message, { ...error.details, file }, error)
  }
}

/** The tensors as the file has them. */
function storedTensors({ folder, files, tensors }: GgufFile): Checkpoint {
  const entries = tensors.map(({ name, type, shape, file, offset, length }) => {
    return [name, { name, dtype: type.name, shape, file, offset, length }] as const
  })
  return { folder, files, tensors: new Map(entries) }
}

/** Divisors of the rotary frequencies, which llama.cpp keeps as tensors. */
async function ropeFactors(stored: Checkpoint): Promise<RopeFactors> {
  const factors: Record<string, readonly number[]> = {}
  for (const [kind, name] of Object.entries(ROPE_FACTORS)) {
    const tensor = stored.tensors.get(name)
    if (tensor === undefined) continue
    if (tensor.shape.length !== 1 || tensor.length > 1 << 16) {
      throw new StatePackError('E_MODEL_WEIGHTS', `The tensor ${name} is no vector of rotary factors.`, {
        tensor: name,
      })
    }
    await using rows = await openTensorRows(stored, tensor)
    factors[kind] = [...(await rows.numbers(0, rows.rows))]
  }
  return factors
}

/** True when the file begins as GGUF files do, whatever it is called. Throws what opening throws. */
export async function isGgufFile(path: string): Promise<boolean> {
  await using file = await openModelFile(path, 'E_MODEL_WEIGHTS')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
  return bytesRead === 4 && buffer.toString('latin1') === 'GGUF'
}
