/** Writing files so that a crash or a power loss leaves the old content or the new one, never a mixture. */
import { dirname } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'
import type { Fs } from './fs.ts'
import { releaseTemp, tempPath } from './tempFiles.ts'

/** Writes one small file at `path`, durable when it returns. `tmp` must be on the same volume. */
export async function writeDurably(fs: Fs, options: { path: string; tmp: string; bytes: Uint8Array }): Promise<void> {
  const temp = await writeTemp(fs, options.tmp, options.bytes)
  try {
    // The name appears in one step, and only for bytes that are already on the disk.
    await fs.rename(temp, options.path)
    releaseTemp(temp)
  } catch (error) {
    await discard(fs, temp)
    throw error
  }
  // Without this the name itself could be lost, although the bytes are there.
  await fs.syncFolder(dirname(options.path))
}

/** Writes the bytes to a fresh temporary file, on stable storage when it returns. Returns its path. */
export async function writeTemp(fs: Fs, tmp: string, bytes: Uint8Array): Promise<string> {
  const path = tempPath(tmp)
  const file = await fs.open(path, 'create')
  try {
    await file.writeNow(bytes)
    // Count: a file system that silently wrote less (a quota, a network share) is caught here, not at the next read.
    const size = await file.size()
    if (size !== bytes.byteLength) {
      throw new StatePackError('E_IO', `The disk kept ${size} of ${bytes.byteLength} bytes.`, { size })
    }
    // Before the rename: a file system may make a name durable ahead of the bytes it names.
    await file.sync()
  } catch (error) {
    await file.close().catch(() => {})
    await discard(fs, path)
    throw error
  }
  try {
    // Some file systems report a failed write only when the file is closed.
    await file.close()
  } catch (error) {
    await discard(fs, path)
    throw error
  }
  return path
}

/** Removes a temporary file on the way out of a failure; the failure itself is what the caller should hear about. */
export async function discard(fs: Fs, path: string): Promise<void> {
  releaseTemp(path)
  await fs.unlink(path).catch(() => {})
}
