/**
 * Names of files that are still being written. A name says whose it is, `<process id>.<random of the process>.<count>`,
 * so that opening a store can clear what a killed process left without touching what a living one is writing.
 */
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Fs } from './fs.ts'
import { systemCode } from './fsError.ts'

const TOKEN = randomBytes(8).toString('hex')
// Process ids are used again by the system; past this age a file is nobody's, whatever its id says.
const ABANDONED_MS = 24 * 60 * 60 * 1000
// Files this process is writing. A leftover of its own (removal failed too, on a full disk) is not among them.
const inUse = new Set<string>()
let count = 0

/** A path in `folder` that nobody has used or will use; ours until {@link releaseTemp}. */
export function tempPath(folder: string): string {
  const name = `${process.pid}.${TOKEN}.${count++}`
  inUse.add(name)
  return join(folder, name)
}

/** Says that a temporary file has been renamed or given up. */
export function releaseTemp(path: string): void {
  inUse.delete(basename(path))
}

/** Removes the files of processes that are gone; returns how many. Unknown names count as abandoned. */
export async function clearAbandoned(fs: Fs, folder: string, now: number): Promise<number> {
  let removed = 0
  for (const name of await fs.list(folder)) {
    const path = join(folder, name)
    try {
      if (isInUse(name) && now - (await fs.status(path)).modified < ABANDONED_MS) continue
      await fs.unlink(path)
      removed++
    } catch (error) {
      // Another process finished with it, or cleared it, in the meantime.
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }
  return removed
}

function isInUse(name: string): boolean {
  const [pid, token] = name.split('.')
  if (pid === undefined || token === undefined || !/^[1-9][0-9]*$/.test(pid)) return false
  if (Number(pid) === process.pid) return inUse.has(name)
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    // ESRCH: no such process. EPERM: it lives, under another user.
    return systemCode(error) === 'EPERM'
  }
}
