/** Which ONNX file of a folder to open, and where its weights lie. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Precision } from '../../model.ts'
import type { Checkpoint, CheckpointTensor } from '../checkpoint.ts'
import { openModelFile } from '../modelFile.ts'
import { ExportedGraph } from './exportedGraph.ts'
import { readSkeleton } from './onnxSkeleton.ts'

/** File names in order of preference, without `.onnx`, as optimum, onnxruntime-genai and transformers.js write them. */
const NAMES: Readonly<Record<Precision, readonly string[]>> = {
  float32: ['model', 'decoder_model_merged', 'decoder_with_past_model'],
  float16: ['model_fp16', 'decoder_model_merged_fp16'],
  int8: ['model_int8', 'model_quantized', 'model_uint8', 'decoder_model_merged_quantized', 'decoder_model_merged_int8'],
  int4: ['model_q4', 'model_q4f16', 'model_bnb4', 'decoder_model_merged_q4', 'decoder_model_merged_q4f16'],
}

/** All of them, best first. */
export const EXPORT_NAMES: readonly string[] = Object.values(NAMES).flat()

export interface ExportFile {
  readonly path: string
  readonly precision: Precision
}

/** The files of the folder (or its `onnx/`), best first: full precision before the converted ones. */
export async function findExports(folder: string): Promise<ExportFile[]> {
  const found: ExportFile[] = []
  for (const [precision, names] of Object.entries(NAMES)) {
    for (const place of ['', 'onnx']) {
      for (const name of names) {
        const path = join(folder, place, `${name}.onnx`)
        if (await isFile(path)) found.push({ path, precision: precisionOf(precision) })
      }
    }
  }
  return found
}

export interface OpenExport {
  readonly graph: ExportedGraph
  /** The real folder of the weight files. */
  readonly folder: string
  /** From the names in the file to the real ones. */
  readonly files: ReadonlyMap<string, string>
  /** Every file as one "tensor" of bytes, for hashing. */
  readonly contents: Checkpoint
}

/** Reads the graph, not the weights, and checks that these are there and long enough. Throws `E_MODEL_WEIGHTS`. */
export async function openExportFile(path: string): Promise<OpenExport> {
  const real = await realpath(path)
  const graph = await parse(real, basename(path))
  const files = new Map<string, string>()
  const contents: CheckpointTensor[] = [await contentOf(real, basename(path))]
  const folders = new Set<string>()
  for (const [name, bytes] of graph.externalFiles) {
    if (name !== basename(name))
      throw weightsError(basename(path), `it looks for weights in ${name}, outside its folder`)
    const data = await realpath(join(dirname(path), name)).catch(() => null)
    if (data === null) throw weightsError(basename(path), `its weights file ${name} is missing`)
    const content = await contentOf(data, name)
    if (content.length < bytes)
      throw weightsError(name, `it has ${content.length} bytes, the graph needs ${bytes}: it is truncated`)
    folders.add(dirname(data))
    files.set(name, basename(data))
    if (data !== real) contents.push(content)
  }
  if (folders.size > 1) throw weightsError(basename(path), 'its weight files lie in different folders')
  const folder = [...folders][0] ?? dirname(real)
  return {
    graph,
    folder,
    files,
    contents: {
      folder: '',
      files: contents.map(({ file }) => file),
      tensors: new Map(contents.map(content => [content.name, content])),
    },
  }
}

async function parse(path: string, name: string): Promise<ExportedGraph> {
  try {
    return new ExportedGraph(await readSkeleton(path, name))
  } catch (error) {
    if (!(error instanceof Error) || 'code' in error) throw error // not the file's content: the disk
    throw weightsError(name, `it is not an ONNX file, or it is damaged: ${error.message}`, error)
  }
}

async function contentOf(path: string, name: string): Promise<CheckpointTensor> {
  await using file = await openModelFile(path, 'E_MODEL_WEIGHTS')
  const { size } = await file.stat()
  return { name, dtype: 'file', shape: [size], file: path, offset: 0, length: size }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isFile(),
    () => false,
  )
}

function precisionOf(name: string): Precision {
  return name === 'float16' || name === 'int8' || name === 'int4' ? name : 'float32'
}

function weightsError(file: string, what: string, cause?: unknown): StatePackError {
  return new StatePackError('E_MODEL_WEIGHTS', `The ONNX file ${file} cannot be used: ${what}.`, { file }, cause)
}
