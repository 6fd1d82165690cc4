/** The only way to a file of a model folder, which may be anybody's: regular files, read up to a size. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { type ErrorCode, StatePackError } from '#shared/domain/error.ts'

/** What the readers of one kind of file say when it cannot be used. */
export interface FileRule {
  readonly code: ErrorCode
  /** Bytes; real files of the kind are far below. */
  readonly most: number
}

/** Without O_NONBLOCK opening a pipe waits for a writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

const MIB = 1 << 20
export const CONFIG_FILE = { code: 'E_MODEL_CONFIG', most: 16 * MIB } satisfies FileRule
export const TOKENIZER_FILE = { code: 'E_TOKENIZER', most: 64 * MIB } satisfies FileRule
export const WEIGHTS_INDEX = { code: 'E_MODEL_WEIGHTS', most: 64 * MIB } satisfies FileRule

/**
 * Opens a regular file for reading, through links. A pipe, a device or a folder is refused with `code` instead of being
 * waited for; what the system says (absent, unreadable) is thrown as it is.
 */
export async function openModelFile(path: string, code: ErrorCode): Promise<FileHandle> {
  const file = await open(path, FLAGS).catch((error: unknown) => {
    throw isNoFile(error) ? notAFile(path, code, error) : error
  })
  const found = await file.stat()
  if (found.isFile()) return file
  await file.close()
  throw notAFile(path, code)
}

/** The same, as a file descriptor. */
export function openModelFileSync(path: string, code: ErrorCode): number {
  let fd: number
  try {
    fd = openSync(path, FLAGS)
  } catch (error) {
    throw isNoFile(error) ? notAFile(path, code, error) : error
  }
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw notAFile(path, code)
}

/** The bytes of a small file. Throws what {@link openModelFile} throws, and `code` for one larger than the rule allows. */
export async function readModelFile(path: string, { code, most }: FileRule): Promise<Uint8Array> {
  await using file = await openModelFile(path, code)
  const { size } = await file.stat()
  if (size > most) {
    const message = `${basename(path)} has ${size} bytes; at most ${most} are read.`
    throw new StatePackError(code, message, { file: basename(path), bytes: size, most })
  }
  const bytes = Buffer.alloc(size)
  let done = 0
  while (done < size) {
    const { bytesRead } = await file.read(bytes, done, size - done, done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** null when there is no such file. */
export async function readModelFileIfThere(path: string, rule: FileRule): Promise<Uint8Array | null> {
  return readModelFile(path, rule).catch((error: unknown) => {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  })
}

/** Windows opens no folder; sockets, and devices without a driver, cannot be opened anywhere. */
function isNoFile(error: unknown): boolean {
  return isCode(error, 'EISDIR', 'ENXIO', 'ENODEV')
}

function notAFile(path: string, code: ErrorCode, cause?: unknown): StatePackError {
  const message = `${basename(path)} is no regular file (a folder, a pipe or a device): it is not read.`
  return new StatePackError(code, message, { file: basename(path) }, cause)
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
