/**
 * The only door from the store to the disk. Small on purpose: a simulated disk that loses power, tears and reorders
 * writes (the tests have one) must be able to implement every promise made here.
 */

import type { HashBounds, HashedFile } from './hashFile.ts'

/** `read`: existing file, links not followed. `create`: a new file, fails when it exists; it can be read, too. `append`: at the end, created if absent. */
export type OpenMode = 'read' | 'create' | 'append'

export interface FsFile {
  /** Appends all the bytes, or throws. Not durable before {@link FsFile.sync}. */
  write(bytes: Uint8Array): Promise<void>
  /** The same in this very turn where the bytes are few: asking another thread takes longer than giving the system a copy. */
  writeNow(bytes: Uint8Array): Promise<void>
  /** Writes pieces one after the other from `position` on, over what is there, or throws. Of a file that was created. */
  writeAt(position: number, pieces: readonly Uint8Array[]): Promise<void>
  /** Gives the disk back all behind the first `size` bytes. */
  cut(size: number): Promise<void>
  /** Up to `length` bytes from `position`; shorter only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  size(): Promise<number>
  /** Returns once the bytes are on stable storage. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'other'
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

/** Failures are Node's system errors (`code: 'ENOENT'` …). New files are 0600, new folders 0700. */
export interface Fs {
  open(path: string, mode: OpenMode): Promise<FsFile>
  /** An existing file from beginning to end and its SHA-256, links not followed; only if its size is within the bounds. */
  readHashed(path: string, bounds: HashBounds): Promise<HashedFile>
  /** Atomic; replaces what is there. Durable only after {@link Fs.syncFolder} of the folder. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Creates the folder and its parents; no error when it exists. */
  makeFolder(path: string): Promise<void>
  /** Names in the folder, in no order. */
  list(path: string): Promise<string[]>
  /** Does not follow links. */
  status(path: string): Promise<FileStatus>
  /** The same in this very turn, null where nothing has the path. For a few files: asking another thread takes fifteen times as long. */
  statusNow(path: string): FileStatus | null
  /** Sets the modification time to now. */
  touch(path: string): Promise<void>
  /** Makes the names in a folder (creations, renames, removals) durable. */
  syncFolder(path: string): Promise<void>
}
