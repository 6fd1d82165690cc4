import {
  close,
  constants,
  fstatSync,
  fsync,
  ftruncate,
  lstatSync,
  open,
  read,
  type Stats,
  write,
  writeSync,
  writev,
} from 'node:fs'
import { lstat, mkdir, readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { FileStatus, Fs, FsFile, OpenMode } from './fs.ts'
import { systemCode } from './fsError.ts'
import { partOf } from './partOf.ts'
import { readHashed } from './readHashed.ts'

// O_NOFOLLOW: a link planted in the store must not lead a read or a write outside it. Absent on Windows.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY | NO_FOLLOW,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW,
  append: constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | NO_FOLLOW,
}

/** The real disk. */
export const nodeFs: Fs = {
  async open(path, mode) {
    return new NodeFile(await aside.open(path, FLAGS[mode], 0o600))
  },
  readHashed,
  rename,
  unlink,
  makeFolder,
  list: path => readdir(path),
  async status(path): Promise<FileStatus> {
    return statusOf(await lstat(path))
  },
  statusNow(path) {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found === undefined ? null : statusOf(found)
  },
  async touch(path) {
    const now = new Date()
    await utimes(path, now, now)
  },
  async syncFolder(path) {
    // Windows cannot open a folder for syncing; there the rename itself is written through.
    if (process.platform === 'win32') return
    const folder = await aside.open(path, constants.O_RDONLY)
    try {
      await aside.fsync(folder)
    } finally {
      await aside.close(folder)
    }
  },
}

function statusOf(found: Stats): FileStatus {
  const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other'
  return { kind, size: found.size, modified: found.mtimeMs }
}

// Node's own recursive mkdir never returns for some paths that cannot be made (`/proc/x`).
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await mkdir(path, { mode: 0o700 }).catch(again => {
      if (systemCode(again) !== 'EEXIST') throw again
    })
  }
}

/** Some systems refuse more than 2 GiB in one call. */
const MOST_AT_ONCE = 64 * 1024 * 1024
/**
 * Bytes of a file of the store that is written at once: up to here asking another thread takes longer than giving the system a copy.
 * Names (opening what is new, renaming) are always left to another thread: while somebody's flush is under way, a change to a folder
 * waits for the disk.
 */
const SMALL = 256 * 1024

/** On another thread. */
const aside = {
  open: promisify(open),
  read: promisify(read),
  write: promisify(write),
  writev: promisify(writev),
  fsync: promisify(fsync),
  ftruncate: promisify(ftruncate),
  close: promisify(close),
}

class NodeFile implements FsFile {
  readonly #file: number

  constructor(file: number) {
    this.#file = file
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      at += (await aside.write(this.#file, bytes, at, bytes.byteLength - at)).bytesWritten
    }
  }

  async writeNow(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength > SMALL) return this.write(bytes)
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(this.#file, bytes, at, bytes.byteLength - at)
  }

  async writeAt(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    let [at, left] = [position, pieces.filter(({ byteLength }) => byteLength > 0)]
    while (left.length > 0) {
      // A full disk says so when it is asked for more.
      const { bytesWritten } = await aside.writev(this.#file, partOf(left, 0, MOST_AT_ONCE), at)
      at += bytesWritten
      left = partOf(left, bytesWritten, Number.POSITIVE_INFINITY)
    }
  }

  cut(size: number): Promise<void> {
    return aside.ftruncate(this.#file, size)
  }

  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const { bytesRead } = await aside.read(this.#file, out, at, length - at, position + at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return at === length ? out : out.subarray(0, at)
  }

  async size(): Promise<number> {
    return fstatSync(this.#file).size
  }

  sync(): Promise<void> {
    return aside.fsync(this.#file)
  }

  /** A file system may keep what was written until then, and a network share then sends it. */
  close(): Promise<void> {
    return aside.close(this.#file)
  }
}
