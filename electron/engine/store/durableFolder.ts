import { dirname } from 'node:path'
import type { Fs } from './fs.ts'
import { systemCode } from './fsError.ts'

/** Creates a folder and its missing parents; their names are on stable storage when it returns. */
export async function makeFolderDurably(fs: Fs, path: string): Promise<void> {
  if (await exists(fs, path)) return
  if (dirname(path) !== path) await makeFolderDurably(fs, dirname(path))
  await fs.makeFolder(path)
  await fs.syncFolder(dirname(path))
}

async function exists(fs: Fs, path: string): Promise<boolean> {
  try {
    await fs.status(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
