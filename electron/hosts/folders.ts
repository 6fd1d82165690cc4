/** Where the Studio keeps its things, the same for the window, the command line and the servers. */
import { existsSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import envPaths from 'env-paths'

export interface Folders {
  /** The content-addressed store: cartridges, receipts. */
  readonly storeFolder: string
  /** Compiled graphs, downloaded models, settings. */
  readonly dataFolder: string
  readonly modelFolders: readonly string[]
  /** Icons, starter models and texts that came with the Studio. */
  readonly assetsFolder: string
}

export interface FolderChoices {
  readonly store?: string
  readonly models?: readonly string[]
}

/** The folder that holds this package's `package.json`, from source and from the build alike. */
export function packageFolder(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}

/**
 * Choices come first, then the environment (`STATEPACK_HOME` moves everything, `STATEPACK_STORE` the store,
 * `STATEPACK_MODELS` adds model folders), then the platform's own place for an app's data.
 */
export function chooseFolders(choices: FolderChoices = {}, env: NodeJS.ProcessEnv = process.env): Folders {
  const home = env.STATEPACK_HOME
  const dataFolder =
    home === undefined || home === '' ? envPaths('state-pack-studio', { suffix: '' }).data : resolve(home)
  const added = (env.STATEPACK_MODELS ?? '').split(delimiter).filter(folder => folder !== '')
  return {
    storeFolder: resolve(choices.store ?? env.STATEPACK_STORE ?? join(dataFolder, 'store')),
    dataFolder,
    modelFolders: [...(choices.models ?? []), ...added].map(folder => resolve(folder)),
    assetsFolder: env.STATEPACK_ASSETS ?? join(packageFolder(), 'assets'),
  }
}
