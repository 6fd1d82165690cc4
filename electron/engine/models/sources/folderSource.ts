/** A folder in Hugging Face layout: config.json, weights as safetensors or as an ONNX export, tokenizer files. */
import { join } from 'node:path'
import { canonicalTensors } from '../compile/canonicalTensors.ts'
import { isSupported, prepareArchitecture, textFields } from '../compile/compile.ts'
import { readConfig } from '../compile/config.ts'
import type { Precision } from '../model.ts'
import { openTokenizer } from '../tokenizer/tokenizer.ts'
import { readTokenizerBytes, type TokenizerSource, tokenizerFiles } from '../tokenizer/tokenizerFiles.ts'
import { hasCheckpoint, readCheckpoint } from './checkpoint.ts'
import { planCheckpoint } from './checkpointWeights.ts'
import { parsePythonJson } from './configJson.ts'
import { planExport } from './export/exportedModel.ts'
import { findExports } from './export/exportFiles.ts'
import { modelName } from './hubCache.ts'
import { CONFIG_FILE, readModelFileIfThere } from './modelFile.ts'
import type { ModelSource, PlannedWeights } from './modelSource.ts'

/** Throws `E_UNKNOWN_MODEL` when the folder has no config.json, `E_MODEL_CONFIG` when it is none. */
export async function folderSource(folder: string): Promise<ModelSource> {
  const { bytes, fields } = await readConfig(folder)
  const generationConfigBytes = await readModelFileIfThere(join(folder, 'generation_config.json'), CONFIG_FILE)
  const generation =
    generationConfigBytes === null ? {} : parsePythonJson(generationConfigBytes, 'generation_config.json')
  const text = textFields(fields)
  return {
    name: modelName(folder),
    path: folder,
    ...{ configBytes: bytes, generationConfigBytes },
    architecture: String(text.model_type),
    eosTokenIds: endIds([generation, fields, text]),
    async openTokenizer(options) {
      const tokenizer = await tokenizerOf(folder)
      return tokenizer === null ? null : openTokenizer(tokenizer, options)
    },
    async describeTokenizer() {
      const tokenizer = await tokenizerOf(folder)
      return tokenizer === null ? null : tokenizerFiles(tokenizer)
    },
    planWeights: precision => planFolder(folder, fields, precision),
  }
}

async function tokenizerOf(folder: string): Promise<TokenizerSource | null> {
  const bytes = await readTokenizerBytes(folder)
  return bytes === null ? null : { kind: 'bytes', bytes }
}

/** A checkpoint is preferred, since it can be converted; an export serves where there is none or its architecture is unknown. */
async function planFolder(
  folder: string,
  fields: Readonly<Record<string, unknown>>,
  precision: Precision | undefined,
): Promise<PlannedWeights> {
  const compilable = (await hasCheckpoint(folder)) && isSupported(fields)
  if (!compilable && (await findExports(folder)).length > 0) return planExport(folder, fields, precision)
  prepareArchitecture(fields) // what is not understood is named before a file is looked for
  const stored = await readCheckpoint(folder)
  const layers = prepareArchitecture(fields, stored)
  const checkpoint = canonicalTensors(stored, layers)
  return planCheckpoint({ layers, checkpoint, stored: checkpoint, precision: precision ?? 'float32' })
}

/** The end ids of every file, in the order of the files. */
function endIds(sources: readonly Readonly<Record<string, unknown>>[]): number[] {
  const ids: unknown[] = sources.flatMap(({ eos_token_id: id }) => (Array.isArray(id) ? id : [id]))
  return [...new Set(ids.filter((id): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0))]
}
