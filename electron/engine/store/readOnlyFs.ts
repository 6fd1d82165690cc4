import { StatePackError } from '#shared/domain/error.ts'
import type { Fs } from './fs.ts'

/** A disk that refuses to change; every write is `E_READ_ONLY`. */
export function readOnlyFs(fs: Fs): Fs {
  const refuse = async (): Promise<never> => {
    throw new StatePackError('E_READ_ONLY', 'This store was opened for reading only.')
  }
  return {
    open: (path, mode) => (mode === 'read' ? fs.open(path, mode) : refuse()),
    readHashed: fs.readHashed,
    list: fs.list,
    status: fs.status,
    statusNow: fs.statusNow,
    rename: refuse,
    unlink: refuse,
    makeFolder: refuse,
    touch: refuse,
    syncFolder: refuse,
  }
}
