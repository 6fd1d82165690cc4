import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A fresh folder, in memory where the system has room for it: what these tests ask does not depend on the disk, and a
 * flush of a busy disk takes long. The deep lane works on the real disk.
 */
export function fastFolder(prefix: string): string {
  return mkdtempSync(join(process.env.DEEP ? tmpdir() : roomyMemory(), prefix))
}

/** A folder in memory where the system has room for it, else the one for temporary files. */
export function roomyMemory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 512 * 1024 * 1024 ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}
