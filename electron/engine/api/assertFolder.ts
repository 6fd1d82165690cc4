import { statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'

/** Refuses a path where no models can be, a folder or a GGUF file: `E_BAD_INPUT` (not a whole path, a file), `E_NOT_FOUND`, `E_PERMISSION`, `E_IO`. */
export function assertFolder(folder: string): void {
  if (!isAbsolute(folder))
    throw new StatePackError('E_BAD_INPUT', `${folder} is not a whole path: begin at the root of the disk.`, { folder })
  let isFolder: boolean
  try {
    isFolder = statSync(folder).isDirectory()
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new StatePackError('E_NOT_FOUND', `There is no folder ${folder} on this machine.`, { folder }, thrown)
    throw toStatePackError(thrown)
  }
  if (isFolder || /\.gguf$/i.test(folder)) return
  throw new StatePackError('E_BAD_INPUT', `${folder} is a file: give a folder, or a GGUF file.`, { folder })
}
