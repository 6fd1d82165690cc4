import { StatePackError } from '#shared/domain/error.ts'
import type { WantedFile } from '../../network/downloadFile.ts'
import { prepareArchitecture } from '../compile/compile.ts'
import { EXPORT_NAMES } from '../sources/export/exportFiles.ts'
import { weightFileNames } from '../sources/weightFileNames.ts'

/** Small files that say what the model is; copied when they are there. */
const TEXTS = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
]
/** Refused by name later, so they are only fetched when there is no tokenizer.json. */
const OTHER_TOKENIZERS = ['tokenizer.model', 'vocab.json', 'merges.txt', 'spiece.model', 'tekken.json']
/** No path of a hub reaches the disk unless it looks like this. */
const PLAIN = /^(onnx\/)?[\w-][\w.-]*$/

/**
 * The files of a repository that make a model folder, `config.json` aside: texts first, weights last. Throws
 * `E_NOT_SUPPORTED` and `E_MODEL_CONFIG` for what this app cannot run, before anything large is fetched.
 */
export function chooseFiles(
  files: readonly WantedFile[],
  { hubId, fields }: { readonly hubId: string; readonly fields: Readonly<Record<string, unknown>> },
): WantedFile[] {
  const plain = new Map(files.filter(({ path }) => PLAIN.test(path)).map(file => [file.path, file]))
  const pick = (names: readonly string[]) => names.flatMap(name => plain.get(name) ?? [])
  const tokenizer = plain.has('tokenizer.json') ? [] : pick(OTHER_TOKENIZERS)
  return [...pick(TEXTS), ...tokenizer, ...weights(plain, fields, hubId)]
}

function weights(plain: ReadonlyMap<string, WantedFile>, fields: Readonly<Record<string, unknown>>, hubId: string) {
  const checkpoint = checkpointFiles(plain)
  const exported = exportFiles(plain)
  if (checkpoint.length > 0) {
    try {
      prepareArchitecture(fields)
      return checkpoint
    } catch (error) {
      // An export runs by its names, whatever its architecture is.
      if (exported.length === 0) throw error
    }
  }
  if (exported.length > 0) return exported
  const other = [...plain.keys()].find(path => /\.(bin|pt|pth|gguf|h5|msgpack)$/.test(path))
  throw new StatePackError(
    'E_NOT_SUPPORTED',
    `${hubId} has its weights ${other === undefined ? 'nowhere this app looks' : `only as ${other}`}; safetensors or ONNX files are needed.`,
    { hubId },
  )
}

/** Nothing, unless all of them are there. */
function checkpointFiles(plain: ReadonlyMap<string, WantedFile>): WantedFile[] {
  const names = weightFileNames(plain.keys())
  const files = names === null ? [] : [...(names.index === null ? [] : [names.index]), ...names.files]
  const found = files.flatMap(path => plain.get(path) ?? [])
  return found.length < files.length || names?.files.length === 0 ? [] : found
}

/** The best export there is, with the weights that lie beside it (`model.onnx_data`, `model.onnx_data_1`, `model.onnx.data`). */
function exportFiles(plain: ReadonlyMap<string, WantedFile>): WantedFile[] {
  for (const name of EXPORT_NAMES) {
    for (const path of [`${name}.onnx`, `onnx/${name}.onnx`]) {
      const graph = plain.get(path)
      if (graph === undefined) continue
      return [graph, ...[...plain.values()].filter(file => /^[._]data(_\d+)?$/.test(file.path.replace(path, '')))]
    }
  }
  return []
}
