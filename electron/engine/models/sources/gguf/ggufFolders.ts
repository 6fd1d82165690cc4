/** Where GGUF files lie: folders of one's own, those of LM Studio and llama.cpp, and Ollama's store of blobs. Nothing is opened. */
import type { Dirent } from 'node:fs'
import { basename, join } from 'node:path'
import { FolderView } from '../folderView.ts'
import { isLaterPart } from './ggufFile.ts'

export interface FoundGguf {
  readonly path: string
  readonly name: string
}

/** LM Studio keeps `publisher/model/file.gguf` below its models folder. */
const DEPTH = 3
const LARGEST_MANIFEST = 1 << 20
/** Files that go with a model: the part that sees, an adapter, statistics for quantising. */
const COMPANION = /^(mmproj|ggml-vocab|imatrix)|[-.](mmproj|lora|imatrix)[-.]/i

/** A file's name without what only says its kind and its part: what people call the model. */
export function ggufModelName(path: string): string {
  return basename(path)
    .replace(/\.gguf$/i, '')
    .replace(/-00001-of-\d{5}$/, '')
}

/** The GGUF file of a folder that holds nothing else to run: no config.json with weights. null when there is none, or several. */
export function onlyGgufIn(folder: string, view = new FolderView()): string | null {
  const inside = view.list(folder) ?? []
  if (view.find(join(folder, 'config.json')) !== null && inside.some(isOtherWeights)) return null
  const files = inside.filter(isModelFile)
  return files.length === 1 && files[0] !== undefined ? join(folder, files[0].name) : null
}

/** Every GGUF model at or below `folder`, or `folder` itself where it is a file. What cannot be read holds none. */
export function findGgufs(folder: string, view: FolderView): FoundGguf[] {
  if (/\.gguf$/i.test(folder)) return view.isFile(folder) ? [{ path: folder, name: ggufModelName(folder) }] : []
  const store = [folder, join(folder, 'models')].find(
    each => view.find(join(each, 'manifests')) !== null && view.find(join(each, 'blobs')) !== null,
  )
  return store === undefined ? below(folder, DEPTH, view) : ollamaModels(store, view)
}

function below(folder: string, depth: number, view: FolderView): FoundGguf[] {
  return (view.list(folder) ?? []).flatMap(entry => {
    const path = join(folder, entry.name)
    if (isModelFile(entry)) return [{ path, name: ggufModelName(path) }]
    return entry.isDirectory() && depth > 1 && !entry.name.startsWith('.') ? below(path, depth - 1, view) : []
  })
}

/** `manifests/HOST/OWNER/MODEL/TAG` names the blob of each layer; the model is one of them. */
function ollamaModels(store: string, view: FolderView): FoundGguf[] {
  const found: FoundGguf[] = []
  const visit = (folder: string, names: readonly string[]): void => {
    for (const entry of view.list(folder) ?? []) {
      const path = join(folder, entry.name)
      const all = [...names, entry.name]
      if (entry.isDirectory() && all.length < 4) visit(path, all)
      const blob = entry.isFile() && all.length === 4 ? modelBlob(view.read(path, LARGEST_MANIFEST)) : null
      const [, owner = '', model = '', tag = ''] = all
      const name = [owner === 'library' ? '' : owner, model, tag === 'latest' ? '' : tag]
        .filter(part => part !== '')
        .join('-')
      if (blob !== null && view.isFile(join(store, 'blobs', blob)))
        found.push({ path: join(store, 'blobs', blob), name })
    }
  }
  visit(join(store, 'manifests'), [])
  return found
}

/** The name of the blob that holds the model; null for a manifest that is not one. */
function modelBlob(manifest: string | null): string | null {
  try {
    const { layers } = Object(JSON.parse(manifest ?? ''))
    for (const layer of Array.isArray(layers) ? layers : []) {
      const { mediaType, digest } = Object(layer)
      const hex = /^sha256:([0-9a-f]{64})$/.exec(String(digest))?.[1]
      if (mediaType === 'application/vnd.ollama.image.model' && hex !== undefined) return `sha256-${hex}`
    }
    return null
  } catch {
    return null
  }
}

function isModelFile(entry: Dirent): boolean {
  const { name } = entry
  return !entry.isDirectory() && /\.gguf$/i.test(name) && !isLaterPart(name) && !COMPANION.test(name)
}

function isOtherWeights({ name }: Dirent): boolean {
  return /\.(safetensors|onnx)$/.test(name) || name === 'onnx' || name.endsWith('.safetensors.index.json')
}
