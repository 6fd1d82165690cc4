/** A disk that fails: the Nth operation on it, or all of them from the Nth on, with an error of the system. */
import type { Fs, FsFile } from '#engine/store/fs.ts'
import type { HashBounds } from '#engine/store/hashFile.ts'
import { systemError } from './simulatedDisk.ts'

export interface Fault {
  /** Counted from 1 over every call. */
  readonly at: number
  readonly code: string
  /** Fail once, or from then on. */
  readonly forGood: boolean
}

/** `operations()` says how many calls have been made so far. */
export function faultyFs(inner: Fs, fault: Fault | null): Fs & { operations(): number } {
  let count = 0
  const step = (path: string): void => {
    count++
    if (fault !== null && (count === fault.at || (fault.forGood && count > fault.at)))
      throw systemError(fault.code, path)
  }
  const wrap = (path: string, file: FsFile): FsFile => ({
    write: async bytes => {
      step(path)
      await file.write(bytes)
    },
    writeNow: async bytes => {
      step(path)
      await file.writeNow(bytes)
    },
    writeAt: async (position, pieces) => {
      step(path)
      await file.writeAt(position, pieces)
    },
    cut: async size => {
      step(path)
      await file.cut(size)
    },
    read: async (position, length) => {
      step(path)
      return await file.read(position, length)
    },
    size: async () => {
      step(path)
      return await file.size()
    },
    sync: async () => {
      step(path)
      await file.sync()
    },
    close: async () => {
      // The handle is gone either way, as with the system call.
      await file.close()
      step(path)
    },
  })
  const on =
    <A extends readonly unknown[], R>(call: (path: string, ...rest: A) => Promise<R>) =>
    async (path: string, ...rest: A): Promise<R> => {
      step(path)
      return await call(path, ...rest)
    }
  return {
    operations: () => count,
    open: on(async (path, mode) => wrap(path, await inner.open(path, mode))),
    readHashed: on((path, bounds: HashBounds) => inner.readHashed(path, bounds)),
    rename: on((from, to: string) => inner.rename(from, to)),
    unlink: on(path => inner.unlink(path)),
    makeFolder: on(path => inner.makeFolder(path)),
    list: on(path => inner.list(path)),
    status: on(path => inner.status(path)),
    statusNow: path => {
      step(path)
      return inner.statusNow(path)
    },
    touch: on(path => inner.touch(path)),
    syncFolder: on(path => inner.syncFolder(path)),
  }
}
