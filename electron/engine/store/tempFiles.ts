/**
 * Files that are still being written: `<random of the process>.<count>` in the store's tmp folder. Whoever opens a store
 * that nobody else has open (see ProcessLock.enter) may clear what killed processes left; else only what is too old to be
 * anyone's, whoever it was: a process in another container or on another machine cannot be seen.
 */
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Fs } from './fs.ts'
import { systemCode } from './fsError.ts'

const TOKEN = randomBytes(8).toString('hex')
const ABANDONED_MS = 24 * 60 * 60 * 1000
// Files this process is writing. A leftover of its own (removal failed too, on a full disk) is not among them.
const inUse = new Set<string>()
let count = 0

/** A path in `folder` that nobody has used or will use; ours until {@link releaseTemp}. */
export function tempPath(folder: string): string {
  const name = `${TOKEN}.${count++}`
  inUse.add(name)
  return join(folder, name)
}

/** Says that a temporary file has been renamed or given up; false: it was before. */
export function releaseTemp(path: string): boolean {
  return inUse.delete(basename(path))
}

/** Removes what is nobody's any more; returns how many files. `alone`: no other process has this store open. */
export async function clearAbandoned(
  fs: Fs,
  folder: string,
  { now, alone }: { now: number; alone: boolean },
): Promise<number> {
  let removed = 0
  for (const name of await fs.list(folder)) {
    const path = join(folder, name)
    try {
      const ours = name.startsWith(`${TOKEN}.`)
      if (ours ? inUse.has(name) : !alone && now - (await fs.status(path)).modified < ABANDONED_MS) continue
      await fs.unlink(path)
      removed++
    } catch (error) {
      // Another process finished with it, or cleared it, in the meantime.
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }
  return removed
}
