/** The folders in which the Hub's own tools keep models: `models--owner--name/snapshots/<revision>/`, links into `blobs/`. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const REPOSITORY = 'models--'

/** `owner/name` for a snapshot of the Hub's cache (or a link to one), else the folder's name; it need not be reachable. */
export function modelName(folder: string): string {
  const real = existsSync(folder) ? realpathSync(folder) : folder
  const repository = basename(dirname(dirname(real)))
  if (basename(dirname(real)) === 'snapshots' && repository.startsWith(REPOSITORY)) {
    return repository.slice(REPOSITORY.length).replaceAll('--', '/')
  }
  return basename(folder) === '' ? basename(real) : basename(folder)
}

/** The snapshot a cache folder stands for: the revision that `main` is, else the newest; null when it is no cache folder. */
export function snapshotOf(repository: string): string | null {
  const folder = join(repository, 'snapshots')
  if (!basename(repository).startsWith(REPOSITORY) || !existsSync(folder)) return null
  const snapshots = readdirSync(folder)
    .map(revision => join(folder, revision))
    .filter(path => existsSync(join(path, 'config.json')))
  const main = join(folder, mainRevision(repository))
  if (snapshots.includes(main)) return main
  const newest = snapshots.map(path => ({ path, time: statSync(path).mtimeMs })).sort((a, b) => b.time - a.time)
  return newest[0]?.path ?? null
}

function mainRevision(repository: string): string {
  try {
    const path = join(repository, 'refs', 'main')
    return statSync(path).isFile() ? readFileSync(path, 'utf8').slice(0, 200).trim() : ''
  } catch {
    return '' // a cache of another revision
  }
}
