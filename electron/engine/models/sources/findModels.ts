import { basename, dirname, join, sep } from 'node:path'
import type { ModelEntry } from '../modelEntry.ts'
import { FolderView } from './folderView.ts'
import { type FoundGguf, findGgufs, ggufModelName, onlyGgufIn } from './gguf/ggufFolders.ts'
import { modelName, snapshotOf } from './hubCache.ts'

export interface ModelFolder {
  readonly folder: string
  readonly starter: boolean
  /** Somewhere else than the app's own folders, a drive perhaps: its models are remembered while it cannot be reached. */
  readonly external?: boolean
}

/** The models last seen in each external folder. */
export type SeenModels = Readonly<Record<string, readonly string[]>>

export interface ModelMemory {
  get(): SeenModels
  set(seen: SeenModels): void
}

/**
 * The models in the given folders: a folder with a `config.json` is one, and so is a repository of the Hub's cache; any
 * other is looked into two levels deep (`owner/name`), and for GGUF files as other apps keep them ({@link findGgufs}); a GGUF
 * file may be given itself. Nothing is opened or copied. An external folder that cannot be reached (a missing drive) yields
 * the models last seen in it, offline, and harms nothing else. Ids are names of folders and files, `owner/name` where the
 * folders say so; a second one of the same name gets a number.
 */
export function findModels(
  folders: readonly ModelFolder[],
  memory?: ModelMemory,
  view = new FolderView(),
): ModelEntry[] {
  const entries: ModelEntry[] = []
  const seen = memory?.get() ?? {}
  const now: Record<string, readonly string[]> = {}
  for (const { folder, starter, external = false } of folders) {
    const found = modelsIn(folder, view)
    const offline = found === null
    const places = found ?? (external ? (seen[folder] ?? []).map(path => named(folder, path, view)) : [])
    if (external && places.length > 0) now[folder] = places.map(({ path }) => path)
    for (const { path, name } of places) {
      if (entries.some(entry => entry.folder === path)) continue
      entries.push({ id: freeId(entries, name), folder: path, starter, offline })
    }
  }
  if (memory !== undefined && JSON.stringify(now) !== JSON.stringify(seen)) memory.set(now)
  return entries
}

/** null when the folder cannot be reached: it is not there, or it is the empty place where a drive would be. */
function modelsIn(folder: string, view: FolderView): FoundGguf[] | null {
  const own = modelFolder(folder, view)
  if (own !== null) return [named(folder, own, view)]
  if (view.isFile(folder)) return findGgufs(folder, view)
  const inside = subfolders(folder, view)
  if (inside.length === 0) return null
  const folders = inside.flatMap(path => {
    const model = modelFolder(path, view)
    const models = model === null ? subfolders(path, view).flatMap(each => modelFolder(each, view) ?? []) : [model]
    return models.map(each => named(folder, each, view))
  })
  const within = (path: string) => folders.some(known => path.startsWith(known.path + sep))
  return [...folders, ...findGgufs(folder, view).filter(({ path }) => !within(path))]
}

/** What a model below `root` is called, whether it can be reached or not. */
function named(root: string, path: string, view: FolderView): FoundGguf {
  if (/\.gguf$/i.test(path)) return { path, name: ggufModelName(path) }
  const owner = dirname(path)
  const twoDown = dirname(owner) === root && basename(owner) !== 'snapshots'
  return { path, name: twoDown ? `${basename(owner)}/${basename(path)}` : modelName(path, view) }
}

/** The folder itself when it holds a model in the Hub's layout, the snapshot of one of the Hub's cache. */
function modelFolder(path: string, view: FolderView): string | null {
  const isModel = view.find(join(path, 'config.json')) !== null && onlyGgufIn(path, view) === null
  return isModel ? path : snapshotOf(path, view)
}

/** What lies in a folder and is not hidden (unfinished downloads are); nothing when it cannot be read, as a file cannot. */
function subfolders(folder: string, view: FolderView): string[] {
  const inside = view.list(folder) ?? []
  return inside.filter(({ name }) => !name.startsWith('.')).map(({ name }) => join(folder, name))
}

/** `name`, or the first `name-2`, `name-3` … that no entry has. */
export function freeId(entries: readonly ModelEntry[], name: string): string {
  let id = name
  for (let number = 2; entries.some(entry => entry.id === id); number++) id = `${name}-${number}`
  return id
}
