import { stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StatePackError } from '#shared/domain/error.ts'

/** Refuses a place no file can be written to, before anything is done for it: `E_NOT_FOUND`, `E_BAD_INPUT`. */
export async function assertWritable(path: string): Promise<void> {
  const folder = dirname(path)
  const found = await stat(folder).catch(() => null)
  if (!found?.isDirectory()) throw new StatePackError('E_NOT_FOUND', `There is no folder ${folder}.`, { path: folder })
  if ((await stat(path).catch(() => null))?.isDirectory()) {
    throw new StatePackError('E_BAD_INPUT', `${path} is a folder, not a file.`, { path })
  }
}

/** Writes what a command was asked to put into a file; what is there is replaced. Throws as {@link assertWritable}. */
export async function writeOutput(path: string, content: string | Uint8Array): Promise<void> {
  await assertWritable(path)
  await writeFile(path, content)
}
