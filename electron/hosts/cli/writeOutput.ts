import { constants, type FileHandle, lstat, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { absentAsNull } from '#engine/receipts/logFile.ts'
import type { FsFile } from '#engine/store/fs.ts'
import { replaceFile } from '#engine/store/replaceFile.ts'
import { StatePackError } from '#shared/domain/error.ts'

/** Refuses a place no file can be written to, before anything is done for it: `E_NOT_FOUND`, `E_BAD_INPUT`. */
async function assertWritable(path: string): Promise<void> {
  const folder = dirname(path)
  const found = await stat(folder).catch(() => null)
  if (!found?.isDirectory()) throw new StatePackError('E_NOT_FOUND', `There is no folder ${folder}.`, { path: folder })
  if ((await stat(path).catch(() => null))?.isDirectory()) {
    throw new StatePackError('E_BAD_INPUT', `${path} is a folder, not a file.`, { path })
  }
}

/**
 * Writes what a command was asked to put into a file, whole or not at all, for its owner alone (0600). A file that is there
 * is replaced only when `isOurs` knows its beginning as an earlier output of the same kind: `E_CONFLICT` otherwise.
 */
export async function streamOutput<T>(
  path: string,
  isOurs: (beginning: Buffer) => boolean,
  write: (file: FsFile) => Promise<T>,
): Promise<T> {
  await assertReplaceable(path, isOurs)
  return replaceFile(path, write)
}

/** {@link streamOutput} of what is there already. */
export async function writeOutput(
  path: string,
  content: string | Uint8Array,
  isOurs: (beginning: Buffer) => boolean,
): Promise<void> {
  await streamOutput(path, isOurs, file => file.write(typeof content === 'string' ? Buffer.from(content) : content))
}

/** Writes to standard output, no faster than it is read. Throws what the pipe throws, `EPIPE` when its reader left. */
export async function writeStdout(bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, error => (error == null ? resolve() : reject(error)))
  })
}

/** The check of {@link streamOutput} and {@link assertWritable}, for before the work is done. */
export async function assertReplaceable(path: string, isOurs: (beginning: Buffer) => boolean): Promise<void> {
  await assertWritable(path)
  // Without O_NONBLOCK opening a pipe waits for a writer.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(absentAsNull)
  // A link that leads nowhere is somebody's, too.
  if (file === null && (await lstat(path).catch(absentAsNull)) === null) return
  if (file !== null && (await isReplaceable(file, isOurs))) return
  throw new StatePackError(
    'E_CONFLICT',
    `${path} is there already and is not an earlier one of these. Move it away, or choose another name.`,
    { path },
  )
}

async function isReplaceable(file: FileHandle, isOurs: (beginning: Buffer) => boolean): Promise<boolean> {
  try {
    const found = await file.stat()
    if (!found.isFile()) return false
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
    // An empty file holds nothing to lose: mktemp(1) makes one.
    return found.size === 0 || isOurs(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}
