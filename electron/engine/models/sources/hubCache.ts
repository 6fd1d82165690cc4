/** The folders in which the Hub's own tools keep models: `models--owner--name/snapshots/<revision>/`, links into `blobs/`. */
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FolderView } from './folderView.ts'

const REPOSITORY = 'models--'

/** `owner/name` for a snapshot of the Hub's cache (or a link to one), else the folder's name; it need not be reachable. */
export function modelName(folder: string, view = new FolderView()): string {
  const real = view.find(folder) === null ? folder : realpathSync(folder)
  const repository = basename(dirname(dirname(real)))
  if (basename(dirname(real)) === 'snapshots' && repository.startsWith(REPOSITORY)) {
    return repository.slice(REPOSITORY.length).replaceAll('--', '/')
  }
  return basename(folder) === '' ? basename(real) : basename(folder)
}

/** The snapshot a cache folder stands for: the revision that `main` is, else the newest; null when it is no cache folder. */
export function snapshotOf(repository: string, view: FolderView): string | null {
  if (!basename(repository).startsWith(REPOSITORY)) return null
  const folder = join(repository, 'snapshots')
  const snapshots = (view.list(folder) ?? [])
    .map(({ name }) => join(folder, name))
    .filter(path => view.find(join(path, 'config.json')) !== null)
  // A cache of another revision has no main.
  const main = join(folder, view.read(join(repository, 'refs', 'main'), 200)?.trim() ?? '')
  if (snapshots.includes(main)) return main
  const newest = snapshots.map(path => ({ path, time: view.find(path)?.mtimeMs ?? 0 })).sort((a, b) => b.time - a.time)
  return newest[0]?.path ?? null
}
