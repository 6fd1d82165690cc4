import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { discard } from './durableFile.ts'
import type { FsFile } from './fs.ts'
import { nodeFs } from './nodeFs.ts'

/**
 * Writes a file outside the store, whole or not at all: what was there stays until all of the new one is on the disk.
 * Mode 0600. `write` may call `file.write` any number of times; when it throws, nothing has changed.
 */
export async function replaceFile<T>(path: string, write: (file: FsFile) => Promise<T>): Promise<T> {
  const folder = dirname(path)
  // Beside the target, so that the rename stays on one disk; short, so that a long name still fits.
  const temp = join(folder, `.${basename(path).slice(0, 40)}.${randomBytes(6).toString('hex')}`)
  try {
    const file = await nodeFs.open(temp, 'create')
    let written: T
    try {
      written = await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await nodeFs.rename(temp, path)
    await nodeFs.syncFolder(folder)
    return written
  } catch (error) {
    await discard(nodeFs, temp)
    throw error
  }
}
