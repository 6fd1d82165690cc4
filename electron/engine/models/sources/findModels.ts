import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ModelEntry } from '../modelPool.ts'

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
 * The models in the given folders: a folder with a `config.json` is one, any other is looked into one level deep. An
 * external folder that cannot be reached (a missing drive) yields the models last seen in it, offline, and harms nothing
 * else. Ids are folder names; a second one of the same name gets a number.
 */
export function findModels(folders: readonly ModelFolder[], memory?: ModelMemory): ModelEntry[] {
  const entries: ModelEntry[] = []
  const seen = memory?.get() ?? {}
  const now: Record<string, readonly string[]> = {}
  for (const { folder, starter, external = false } of folders) {
    const found = modelFolders(folder)
    const offline = found === null
    const paths = found ?? (external ? (seen[folder] ?? []) : [])
    if (external && paths.length > 0) now[folder] = paths
    for (const path of paths) {
      if (entries.some(entry => entry.folder === path)) continue
      entries.push({ id: freeId(entries, basename(path)), folder: path, starter, offline })
    }
  }
  if (memory !== undefined && JSON.stringify(now) !== JSON.stringify(seen)) memory.set(now)
  return entries
}

/** null when the folder cannot be reached: it is not there, or it is the empty place where a drive would be. */
function modelFolders(folder: string): string[] | null {
  if (existsSync(join(folder, 'config.json'))) return [folder]
  try {
    const names = readdirSync(folder).sort()
    if (names.length === 0) return null
    return names.map(name => join(folder, name)).filter(path => existsSync(join(path, 'config.json')))
  } catch {
    return null
  }
}

/** `name`, or the first `name-2`, `name-3` … that no entry has. */
export function freeId(entries: readonly ModelEntry[], name: string): string {
  let id = name
  for (let number = 2; entries.some(entry => entry.id === id); number++) id = `${name}-${number}`
  return id
}
