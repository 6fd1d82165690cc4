import type { ProcessLock } from '../processLock.ts'
import type { BlobReader } from './blobReader.ts'
import type { BlobWriter } from './blobWriter.ts'
import type { DiskUse } from './diskUse.ts'
import type { Entrance } from './entrance.ts'
import type { Fs } from './fs.ts'
import type { Holds } from './holds.ts'
import type { IndexFile } from './indexFile.ts'
import type { StoreLayout } from './layout.ts'
import type { Library } from './library/library.ts'
import type { DescribePacket } from './packetIndexEntry.ts'
import type { Arrival, PublishResult } from './publish.ts'
import type { SearchIndex } from './search/searchIndex.ts'

/** The parts an open store is made of; operations on the whole of it (publish, gc, import, export) take these. */
export interface StoreParts {
  readonly folder: string
  readonly layout: StoreLayout
  readonly fs: Fs
  readonly blobs: BlobReader
  readonly writer: BlobWriter
  readonly diskUse: DiskUse
  readonly library: Library
  /** What is used, here and by other processes. */
  readonly holds: Holds
  readonly index: SearchIndex
  readonly indexFile: IndexFile
  readonly lock: ProcessLock
  /** Through the lock into the library. */
  readonly entrance: Entrance<Arrival, PublishResult>
  /** Held from opening to closing: says that somebody has this store open for writing. */
  readonly presence: ProcessLock
  readonly describe: DescribePacket
  /** Milliseconds since 1970; injectable for tests. */
  readonly now: () => number
}
