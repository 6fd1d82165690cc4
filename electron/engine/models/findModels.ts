import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ModelEntry } from './modelPool.ts'

/**
 * The models in the given folders: a folder with a `config.json` is one, any other is looked into one level deep. A folder
 * that cannot be read (a missing drive) yields nothing and harms nothing. Ids are folder names; a second one of the same
 * name gets a number.
 */
export function findModels(folders: readonly { readonly folder: string; readonly starter: boolean }[]): ModelEntry[] {
  const entries: ModelEntry[] = []
  for (const { folder, starter } of folders) {
    for (const found of modelFolders(folder)) {
      if (entries.some(entry => entry.folder === found)) continue
      entries.push({ id: freeId(entries, basename(found)), folder: found, starter })
    }
  }
  return entries
}

function modelFolders(folder: string): string[] {
  if (existsSync(join(folder, 'config.json'))) return [folder]
  try {
    return readdirSync(folder)
      .sort()
      .map(name => join(folder, name))
      .filter(path => existsSync(join(path, 'config.json')))
  } catch {
    // Not there now: its models are offline, everything else goes on.
    return []
  }
}

/** `name`, or the first `name-2`, `name-3` … that no entry has. */
export function freeId(entries: readonly ModelEntry[], name: string): string {
  let id = name
  for (let number = 2; entries.some(entry => entry.id === id); number++) id = `${name}-${number}`
  return id
}
