/** What the codes of the operating system and of SQLite mean here: the product's code, and why in words. */
import type { ErrorCode } from './error.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly why: string
}

const meaning = (code: ErrorCode, why: string): Meaning => ({ code, why })

const FULL = meaning('E_DISK_FULL', 'the disk is full')
const DENIED = meaning('E_PERMISSION', 'permission was denied')
const FAILED = meaning('E_IO', 'the disk reported an error')
const TOO_MANY = meaning('E_IO', 'too many files are open')
const OFFLINE = meaning('E_NETWORK', 'the other side did not answer')
const NO_FILE = meaning('E_BAD_INPUT', 'it is not a file')

const SYSTEM_MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: meaning('E_DISK_FULL', 'the disk quota is used up'),
  EROFS: meaning('E_READ_ONLY', 'the disk is read-only'),
  EACCES: DENIED,
  EPERM: DENIED,
  ENOENT: meaning('E_NOT_FOUND', 'it is not there'),
  ENOTDIR: meaning('E_NOT_FOUND', 'a file is where a folder should be'),
  EISDIR: meaning('E_BAD_INPUT', 'it is a folder'),
  ENOTEMPTY: meaning('E_CONFLICT', 'the folder is not empty'),
  EEXIST: meaning('E_CONFLICT', 'something is there already'),
  ELOOP: meaning('E_BAD_INPUT', 'links lead round in a circle, or where they may not'),
  EMLINK: meaning('E_BAD_INPUT', 'links lead where they may not'),
  ENAMETOOLONG: meaning('E_BAD_INPUT', 'the name is too long'),
  EINVAL: meaning('E_BAD_INPUT', 'the name or place cannot be used'),
  EILSEQ: meaning('E_BAD_INPUT', 'the name has characters that this disk does not take'),
  EFBIG: meaning('E_TOO_LARGE', 'the file is larger than this disk takes'),
  ENXIO: NO_FILE,
  ENODEV: NO_FILE,
  ESPIPE: NO_FILE,
  EBUSY: meaning('E_BUSY', 'another program is using it'),
  ETXTBSY: meaning('E_BUSY', 'another program is using it'),
  EAGAIN: meaning('E_BUSY', 'it is not ready'),
  EXDEV: meaning('E_IO', 'it lies on another disk'),
  EIO: FAILED,
  ESTALE: meaning('E_IO', 'the network folder has changed'),
  EBADF: FAILED,
  EMFILE: TOO_MANY,
  ENFILE: TOO_MANY,
  ENOMEM: meaning('E_IO', 'there is not enough memory'),
  ENOTSUP: meaning('E_NOT_SUPPORTED', 'this disk cannot do that'),
  EOPNOTSUPP: meaning('E_NOT_SUPPORTED', 'this disk cannot do that'),
  ENOSYS: meaning('E_NOT_SUPPORTED', 'this system cannot do that'),
  EPIPE: meaning('E_IO', 'the reader went away'),
  ECONNREFUSED: OFFLINE,
  ECONNRESET: OFFLINE,
  ECONNABORTED: OFFLINE,
  ETIMEDOUT: OFFLINE,
  EHOSTUNREACH: OFFLINE,
  ENETUNREACH: OFFLINE,
  ENOTFOUND: OFFLINE,
  EAI_AGAIN: OFFLINE,
  EADDRINUSE: meaning('E_CONFLICT', 'another program uses this port'),
  EADDRNOTAVAIL: meaning('E_BAD_INPUT', 'this machine does not have that address'),
  // Node's own, for paths and sizes that it refuses before asking the system.
  ERR_INVALID_ARG_VALUE: meaning('E_BAD_INPUT', 'the name cannot be used'),
  ERR_FS_FILE_TOO_LARGE: meaning('E_TOO_LARGE', 'the file is too large to be read at once'),
  SQLITE_FULL: FULL,
  SQLITE_READONLY: meaning('E_READ_ONLY', 'the database cannot be written to'),
  SQLITE_PERM: DENIED,
  SQLITE_BUSY: meaning('E_STORE_BUSY', 'another process is using the database'),
  SQLITE_LOCKED: meaning('E_STORE_BUSY', 'another process is using the database'),
  SQLITE_IOERR: FAILED,
  SQLITE_NOMEM: meaning('E_IO', 'there is not enough memory'),
  SQLITE_TOOBIG: meaning('E_TOO_LARGE', 'it is more than the database takes'),
  SQLITE_CORRUPT: meaning('E_STORE_UNREADABLE', 'the database is damaged'),
  SQLITE_NOTADB: meaning('E_STORE_UNREADABLE', 'it is not a database'),
  SQLITE_CANTOPEN: meaning('E_STORE_UNREADABLE', 'the database cannot be opened'),
}

/** The entry for the code an error carries, or null. SQLite's detail is left off: SQLITE_IOERR_FSYNC is an SQLITE_IOERR. */
export function systemMeaning(thrown: unknown): (Meaning & { readonly system: string }) | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  if (typeof code !== 'string') return null
  const system = code.replace(/^(SQLITE_[A-Z]+)_.*$/, '$1')
  const found = SYSTEM_MEANINGS[system]
  return found === undefined ? null : { ...found, system }
}

const DOING: Readonly<Record<string, string>> = {
  ...{
    open: 'open',
    read: 'read',
    scandir: 'read',
    readlink: 'read',
    write: 'write',
    fsync: 'write',
    ftruncate: 'write',
  },
  ...{ mkdir: 'create', link: 'create', symlink: 'create', rename: 'rename', unlink: 'remove', rmdir: 'remove' },
  ...{ rm: 'remove', copyfile: 'copy', stat: 'open', lstat: 'open', access: 'open', chmod: 'change' },
  ...{ connect: 'reach', getaddrinfo: 'find', listen: 'listen on' },
}

/** The error in a sentence: what could not be done, to what, and why. */
export function systemSentence(thrown: unknown, why: string): string {
  const { syscall, path, hostname, address, port } = Object(thrown)
  const target = [path, hostname, address].find(name => typeof name === 'string')
  const what = target === undefined ? '' : ` ${target}${typeof port === 'number' ? `:${port}` : ''}`
  const verb = DOING[String(syscall)]
  const sentence = verb === undefined ? why : `could not ${verb}${what === '' ? ' it' : what}: ${why}`
  return `${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`
}
